import OpenAI from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { tinyWriter } from '../../testing/tiny-writer.ts'
import { openWritingFixture, type WritingFixture } from '../../testing/writing-fixture.ts'

let fixture: WritingFixture
let client: OpenAI
const model = 'tiny-writer'
beforeAll(async () => {
  fixture = await openWritingFixture([await tinyWriter()])
  const endpoint = await fixture.open()
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => fixture.close())

const messages = [{ role: 'user' as const, content: 'hi' }]

it('OpenAI’s own client lists, chats, streams and completes', async () => {
  const ids: string[] = []
  for await (const { id } of client.models.list()) ids.push(id)
  expect(ids).toEqual([model])
  const options = { model, messages, max_tokens: 12, temperature: 0 }
  const whole = await client.chat.completions.create(options)
  const { content } = whole.choices[0]?.message ?? {}
  expect(content).toHaveLength(12)
  let streamed = ''
  let usage: unknown
  const stream = await client.chat.completions.create({
    ...options,
    stream: true,
    stream_options: { include_usage: true },
  })
  for await (const chunk of stream) {
    streamed += chunk.choices[0]?.delta.content ?? ''
    usage = chunk.usage ?? usage
  }
  expect(streamed).toBe(content)
  expect(usage).toMatchObject({ completion_tokens: 12 })
  // Its helper accepts nothing that is not whole.
  const final = await client.chat.completions.stream(options).finalChatCompletion()
  expect(final.choices[0]?.message.content).toBe(content)
  const completion = await client.completions.create({
    model,
    prompt: 'user> hi assistant> ',
    max_tokens: 12,
    temperature: 0,
  })
  expect(completion.choices[0]?.text).toBe(content)
})

it('it gives tools, and reads our errors as its own', async () => {
  const tools = [
    {
      type: 'function' as const,
      function: { name: 'weather', description: 'Of a town.', parameters: { type: 'object' } },
    },
  ]
  const answer = await client.chat.completions.create({ model, messages, tools, max_tokens: 4, temperature: 0 })
  expect(answer.choices[0]?.finish_reason).toBe('length')
  await expect(client.chat.completions.create({ model: 'other', messages })).rejects.toBeInstanceOf(
    OpenAI.NotFoundError,
  )
  const bad = client.chat.completions.create({ model, messages, n: 2 })
  await expect(bad).rejects.toMatchObject({ status: 400, code: 'options-invalid', param: 'n' })
  await expect(bad).rejects.toBeInstanceOf(OpenAI.BadRequestError)
})
