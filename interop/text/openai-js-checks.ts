import OpenAI from 'openai'
import type { Outcome } from '../checks.ts'
import { calledFunction } from './calling-model.ts'
import { abortedAt, untilAborted } from './counted-aborts.ts'
import { must, runAll } from './must.ts'
import { servedModels } from './served-texts.ts'

const { writer, caller, embedder } = servedModels
const tokens = 16
const greedy = {
  model: writer,
  messages: [{ role: 'user' as const, content: 'Write one sentence about the sea.' }],
  temperature: 0,
  max_tokens: tokens,
}
const tools: OpenAI.Chat.ChatCompletionTool[] = [
  {
    type: 'function',
    function: {
      name: calledFunction.name,
      description: 'The weather of a town.',
      strict: true,
      parameters: {
        type: 'object',
        properties: { city: { type: 'string' } },
        required: ['city'],
        additionalProperties: false,
      },
    },
  },
]
const about: OpenAI.Chat.ChatCompletionMessageParam[] = [{ role: 'user', content: 'What is the weather in Bern?' }]
const given = JSON.stringify(calledFunction.arguments)

/**
 * OpenAI's JavaScript client against an endpoint of ours, the same as `clients/openai_checks.py`.
 *
 * @param counting the endpoint that counts the answers: behind a gateway it is another one
 */
export async function checkOpenAiJs(url: string, counting: string): Promise<readonly Outcome[]> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0, timeout: 300_000 })
  const chat = client.chat.completions
  const write = async (more: Partial<OpenAI.Chat.ChatCompletionCreateParamsNonStreaming> = {}) => {
    const answer = await chat.create({ ...greedy, ...more })
    const [choice] = answer.choices
    must(choice !== undefined, 'no choice')
    return { ...choice, usage: answer.usage, text: choice.message.content ?? '' }
  }
  const failure = async (kind: 'NotFoundError' | 'BadRequestError', more: object) => {
    const error: unknown = await write(more).then(
      () => 'it was answered',
      (cause: unknown) => cause,
    )
    must(error instanceof OpenAI[kind], String(error))
    return error
  }

  return runAll({
    async 'list of models'() {
      const ids: string[] = []
      for await (const { id } of client.models.list()) ids.push(id)
      must(
        Object.values(servedModels).every((name) => ids.includes(name)),
        ids,
      )
      must((await client.models.retrieve(writer)).id === writer, 'the model itself')
      return `${ids.length} models`
    },
    async chat() {
      const { text, usage, finish_reason: finish } = await write()
      must(usage?.completion_tokens === tokens && text.length > 10, { usage, text })
      return `${tokens} tokens, ${finish}`
    },
    async stream() {
      const { text: whole } = await write()
      let [text, finish, events] = ['', '', 0]
      let usage: OpenAI.CompletionUsage | undefined
      const stream = await chat.create({ ...greedy, stream: true, stream_options: { include_usage: true } })
      for await (const chunk of stream) {
        usage = chunk.usage ?? usage
        const [choice] = chunk.choices
        if (choice?.delta.content) events += 1
        text += choice?.delta.content ?? ''
        finish = choice?.finish_reason ?? finish
      }
      must(text === whole, [text, whole])
      must(usage?.completion_tokens === tokens && events > 4, { usage, events })
      const isCached = (usage.prompt_tokens_details?.cached_tokens ?? 0) > 0
      return `the same text, ${finish}, usage, ${isCached ? 'some' : 'no'} tokens cached`
    },
    async 'stream helper'() {
      const final = await chat.stream(greedy).finalChatCompletion()
      must(final.choices[0]?.message.content === (await write()).text, final)
      return 'the same text'
    },
    async seed() {
      const sampled = async (seed: number) => (await write({ temperature: 1, seed })).text
      const first = await sampled(7)
      must((await sampled(7)) === first, 'another text by the same seed')
      const others = [await sampled(8), await sampled(9), await sampled(10)]
      must(
        others.some((text) => text !== first),
        'the same text by other seeds',
      )
      return 'one text for a seed'
    },
    async 'stop strings'() {
      const { text: whole } = await write()
      const stop = ` ${whole.split(' ').slice(3, 5).join(' ')}`
      const { text, finish_reason: finish } = await write({ stop: [stop] })
      must(text === whole.slice(0, whole.indexOf(stop)) && finish === 'stop', [text, whole, finish])
      return 'ends before it'
    },
    async logprobs() {
      const { logprobs } = await write({ logprobs: true, top_logprobs: 2 })
      const told = logprobs?.content ?? []
      must(told.length === tokens && told.every(({ top_logprobs: top }) => top.length === 2), told)
      must(
        told.every(({ token, top_logprobs: top }) => token === top[0]?.token),
        told,
      )
      return `of ${tokens} tokens, and of 2 each`
    },
    async completion() {
      const options = { model: writer, max_tokens: 8, temperature: 0 }
      const asked = { ...options, prompt: 'Once upon a time', return_token_ids: true }
      const [whole] = (await client.completions.create(asked as typeof asked & { stream: false })).choices
      const { prompt_token_ids: prompt = [], token_ids: rest = [] } = (whole ?? {}) as {
        readonly prompt_token_ids?: number[]
        readonly token_ids?: number[]
      }
      const byIds = await client.completions.create({ ...options, prompt })
      must(byIds.choices[0]?.text === whole?.text, byIds)
      const part = await client.completions.create({
        ...options,
        max_tokens: 5,
        prompt: [...prompt, ...rest.slice(0, 3)],
      })
      must(whole?.text.endsWith(part.choices[0]?.text ?? '-') === true, part)
      return 'by text, by ids, gone on with by ids'
    },
    async tools() {
      const asked = await write({ model: caller, messages: about, tools, tool_choice: 'auto' })
      const [call] = asked.message.tool_calls ?? []
      must(asked.finish_reason === 'tool_calls' && call?.type === 'function', asked)
      must(call.function.name === calledFunction.name && call.function.arguments === given, call)
      const more = [asked.message, { role: 'tool' as const, tool_call_id: call.id, content: 'sunny' }]
      const { text } = await write({ model: caller, messages: [...about, ...more], tools })
      must(text === calledFunction.answer, text)
      return 'asked for, and answered with'
    },
    async 'tools, streamed'() {
      const final = await chat.stream({ ...greedy, model: caller, messages: about, tools }).finalChatCompletion()
      const [call] = final.choices[0]?.message.tool_calls ?? []
      must(call?.type === 'function' && call.function.arguments === given, final)
      must(!final.choices[0]?.message.content, final)
      return 'the call, and no text'
    },
    async embeddings() {
      // Without a format, this client asks for base64 and reads it.
      const { data } = await client.embeddings.create({ model: embedder, input: ['here and', 'there'] })
      const plain = await client.embeddings.create({ model: embedder, input: 'here and', encoding_format: 'float' })
      for (const each of [data[0], plain.data[0]]) must(each?.embedding.join() === '3.5,13.5', each)
      return 'base64 and numbers'
    },
    async 'unknown model'() {
      return `NotFoundError, ${(await failure('NotFoundError', { model: 'nobody' })).status}`
    },
    async 'wrong request'() {
      const error = await failure('BadRequestError', { n: 2 })
      must(error.param === 'n', error.param)
      const long = { role: 'user' as const, content: 'word '.repeat(20_000) }
      return `BadRequestError: ${error.code}, ${(await failure('BadRequestError', { messages: [long] })).code}`
    },
    async abort() {
      const before = await abortedAt(counting)
      const stream = await chat.create({ ...greedy, max_tokens: 1_500, stream: true })
      let count = 0
      for await (const _chunk of stream) {
        count += 1
        if (count === 4) break
      }
      stream.controller.abort()
      await untilAborted(counting, before)
      must((await write()).text !== '', 'no answer afterwards')
      return 'the endpoint stops, and answers the next'
    },
  })
}
