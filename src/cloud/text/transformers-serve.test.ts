import { afterEach, expect, it } from 'vitest'
import { textBehaviours } from '../../testing/text-servers/behaviours.ts'
import { type FakeTextServer, openFakeTextServer } from '../../testing/text-servers/fake-text-server.ts'
import { renderChat, splitAnswer } from '../../testing/text-servers/recital.ts'
import { openTextServer } from './open-text-server.ts'

let fake: FakeTextServer | undefined
afterEach(() => fake?.close())

/** Of its description, what tells it: the title is the framework's. */
const description = {
  info: { title: 'FastAPI', version: '0.1.0' },
  paths: { '/v1/chat/completions': {}, '/v1/responses': {}, '/load_model': {}, '/reset': {} },
}

it('is known by its addresses, goes on by text, and is sent nothing that it refuses', async () => {
  fake = await openFakeTextServer({ behaviour: textBehaviours.byTextAlone, pages: { '/openapi.json': description } })
  const server = openTextServer({ url: fake.url, askMs: 50_000 })
  const facts = await server.describe('teller')
  expect(facts).toMatchObject({ kind: 'transformers', waysKnown: 'probed' })
  expect(facts.ways.map(({ way }) => way)).toEqual(['text'])

  const messages = [{ role: 'user' as const, content: 'Tell of a fox' }]
  const sampling = { temperature: 0, topK: 0, repetitionPenalty: 1, frequencyPenalty: 0.5, seed: 3 }
  let text = ''
  await server.write(
    { model: 'teller', prompt: { messages }, sampling, stops: ['never'], maxTokens: 999 },
    {
      onPart(part) {
        if (part.type === 'text') text += part.text
      },
    },
  )
  expect(text).toBe(fake.recital.answer(splitAnswer(renderChat(messages)).prompt))
  // It refuses fields that are not OpenAI's, and divides logits by what it is told as `frequency_penalty`.
  const fields = ['max_tokens', 'messages', 'model', 'seed', 'stop', 'stream', 'temperature']
  expect(Object.keys(fake.asked.at(-1)?.body ?? {}).sort()).toEqual(fields)
})
