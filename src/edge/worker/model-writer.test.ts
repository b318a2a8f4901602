import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { noAnswer } from '../../client/generate/answer/answer-state.ts'
import { runOnEdge } from '../../client/generate/running/edge-run.ts'
import { greedy } from '../../generation/sampling/sampling.ts'
import type { WriteEvent } from '../../generation/writer/write-request.ts'
import { lettersTokenizer } from '../../testing/letters-tokenizer.ts'
import { type TinyWriter, tinyWriter } from '../../testing/tiny-writer.ts'
import { openModelWriter } from './model-writer.ts'
import type { Runtime } from './runtime.ts'

const { tokens: letters, endId, vocabulary } = lettersTokenizer()
const idsOf = (text: string) => [...text].map((letter) => letters.indexOf(letter))

let model: TinyWriter
let session: InferenceSession
beforeAll(async () => {
  model = await tinyWriter()
  session = await InferenceSession.create(model.files['model.onnx'] ?? new Uint8Array())
})
afterAll(() => session.release())
afterEach(() => vi.restoreAllMocks())

/** A writer whose model writes these words and ends: its session is real, and its last logits are what they want. */
async function openReciting(words: string) {
  const script = [...idsOf(words), endId]
  const { generation, inputs } = model.manifest
  const { generation: files } = await model.readFiles()
  if (generation === undefined || files === undefined) throw new Error('it is no language model')
  let promptTokens = 0
  const writer = await openModelWriter({
    runtime: { InferenceSession, Tensor, env: { wasm: {}, webgpu: {} } } as unknown as Runtime,
    session,
    async run(feeds) {
      const outputs = await session.run(feeds as Parameters<typeof session.run>[0])
      const rows = outputs.logits?.dims[1] ?? 0
      const read = feeds.attention_mask?.dims[1] ?? 0
      const next = script[read - promptTokens]
      const logits = new Float32Array(rows * vocabulary)
      if (next !== undefined) logits[(rows - 1) * vocabulary + next] = 9
      return { ...outputs, logits: new Tensor('float32', logits, [1, rows, vocabulary]) }
    },
    ...{ inputs, generation, files },
  })
  const write: typeof writer.write = (request, onEvents, signal) =>
    writer.write(
      request,
      (events) => {
        for (const event of events) if (event.type === 'prompt') promptTokens = event.ids.length
        onEvents(events)
      },
      signal,
    )
  return { write }
}

const asked = { messages: [{ role: 'user' as const, content: 'When is it?' }] }
const tools = [{ name: 'look_up' }]
const request = { sampling: greedy, stops: [], maxTokens: 200, whenFull: 'refuse' } as const
const call = '<tool_call>{"name": "look_up", "arguments": {"a": 1}}</tool_call>'
const words = `Let me see. ${call}`

it('where a call may begin, each token is an event of its own, in order; else those that follow soon are one', async () => {
  // No time passes: all that can be told together is.
  vi.spyOn(performance, 'now').mockReturnValue(1_000)
  const textsOf = async (prompt: typeof asked & { readonly tools?: typeof tools }) => {
    const { write } = await openReciting(words)
    const events: WriteEvent[] = []
    const end = await write({ ...request, prompt, answer: [] }, (more) => void events.push(...more), undefined)
    const texts = events.flatMap((event) => (event.type === 'text' ? [event] : []))
    expect(texts.flatMap(({ tokens }) => tokens)).toEqual(idsOf(words))
    expect(texts.map(({ text }) => text).join('')).toBe(words)
    return { end, sizes: texts.map(({ tokens }) => tokens.length).filter((size) => size > 0) }
  }
  const { end, sizes } = await textsOf({ ...asked, tools })
  expect(end).toMatchObject({ reason: 'tool-calls', toolCalls: [{ name: 'look_up', arguments: { a: 1 } }] })
  expect(sizes).toEqual(idsOf(words).map(() => 1))
  expect((await textsOf(asked)).sizes).toEqual([words.length])
})

it('so the text before a call has its own ids and none of the call’s, and the call follows it', async () => {
  vi.spyOn(performance, 'now').mockReturnValue(1_000)
  const { write } = await openReciting(words)
  const told: string[] = []
  const [ids, texts]: [number[], string[]] = [[], []]
  const end = await runOnEdge(
    {
      edge: { write: (_, wanted, { onEvents, signal }) => write(wanted, onEvents, signal) },
      manifest: model.manifest,
      request: { ...request, prompt: { ...asked, tools } },
      prepare: async () => {},
    },
    noAnswer(),
    {
      ready: () => void told.push('ready'),
      reading: () => {},
      begun: () => void told.push('begun'),
      aside: (kind) => void told.push(kind),
      text(part) {
        told.push('text')
        ids.push(...(part.ids ?? []))
        texts.push(part.text)
        // Whoever takes over now is given ids of exactly what was shown and is held back.
        expect(ids).toEqual(idsOf(texts.join('') + part.held))
      },
    },
    new AbortController().signal,
  )
  expect(texts.join('')).toBe('Let me see. ')
  expect([...new Set(told)]).toEqual(['ready', 'begun', 'text', 'tool-call'])
  expect(told.lastIndexOf('text')).toBeLessThan(told.indexOf('tool-call'))
  expect(end).toMatchObject({ reason: 'tool-calls', toolCalls: [{ name: 'look_up' }], writtenTokens: words.length })
})
