import { afterEach, expect, test } from 'vitest'
import { greedy } from '../generation/sampling/sampling.ts'
import type { WriteEvent, WriteRequest } from '../generation/writer/write-request.ts'
import { floats, scalingModel } from '../testing/backend-models.ts'
import { edgeFixture, readerOf } from '../testing/edge-fixture.ts'
import { tinyWriter } from '../testing/tiny-writer.ts'
import type { EdgeEngine } from './edge-types.ts'

const { workers, openEdge, crash, closeAll } = edgeFixture()
afterEach(closeAll)

const request = (changes: Partial<WriteRequest> = {}): WriteRequest => ({
  prompt: { text: 'Once upon a time' },
  answer: [],
  sampling: greedy,
  stops: [],
  maxTokens: 40,
  whenFull: 'refuse',
  ...changes,
})

async function openWith(changes: Parameters<typeof tinyWriter>[0] = {}) {
  const edge = openEdge()
  const model = await tinyWriter(changes)
  await edge.load(model.manifest, model.readFiles)
  const write = (wanted: WriteRequest, onEvent: (event: WriteEvent) => void = () => {}, signal?: AbortSignal) =>
    collect(edge, model.manifest, wanted, onEvent, signal)
  return { edge, model, write }
}

async function collect(
  edge: EdgeEngine,
  manifest: Parameters<EdgeEngine['write']>[0],
  wanted: WriteRequest,
  onEvent: (event: WriteEvent) => void,
  signal?: AbortSignal,
) {
  const events: WriteEvent[] = []
  const end = await edge.write(manifest, wanted, {
    signal,
    onEvents(more) {
      for (const event of more) {
        events.push(event)
        onEvent(event)
      }
    },
  })
  const texts = events.flatMap((event) => (event.type === 'text' ? [event] : []))
  return {
    end,
    ids: events.flatMap((event) => (event.type === 'prompt' ? event.ids : [])),
    tokens: texts.flatMap(({ tokens }) => tokens),
    text: texts.map(({ text }) => text).join(''),
    cached: events.flatMap((event) => (event.type === 'read' ? [event.cached] : [])).at(-1),
  }
}

test('text is written in the worker, and what was read is known the next time', async () => {
  const { write } = await openWith()
  const first = await write(request())
  expect(first.tokens).toHaveLength(40)
  expect(first.text).toHaveLength(40)
  expect(first.end).toEqual({ reason: 'length' })
  const again = await write(request())
  expect(again.tokens).toEqual(first.tokens)
  expect(again.cached).toBe(first.ids.length - 1)
  const rest = await write(request({ prompt: { ids: first.ids }, answer: first.tokens.slice(0, 11) }))
  expect(rest.tokens).toEqual(first.tokens.slice(11))
})

test('between two tokens other models have their turn', async () => {
  const { edge, write } = await openWith({ contextTokens: 4_000 })
  const other = await scalingModel('other', 2)
  await edge.load(other.manifest, readerOf(other))
  let tokens = 0
  const writing = write(request({ maxTokens: 400 }), (event) => {
    if (event.type === 'text') tokens += event.tokens.length
  })
  await edge.run(other.manifest, { x: floats(1) }, { timeoutMs: 30_000 })
  expect(tokens).toBeLessThan(400)
  expect((await writing).tokens).toHaveLength(400)
})

test('an abort ends it between two runs, and the worker goes on', async () => {
  const { edge, write } = await openWith({ contextTokens: 4_000 })
  const controller = new AbortController()
  const reason = new Error('enough')
  const writing = write(
    request({ maxTokens: 3_000 }),
    (event) => {
      if (event.type === 'text') controller.abort(reason)
    },
    controller.signal,
  )
  await expect(writing).rejects.toBe(reason)
  const { tokens } = await write(request())
  expect(tokens).toHaveLength(40)
  expect(workers).toHaveLength(1)
  expect(edge.report().memory?.usedBytes).toBeGreaterThan(0)
})

test('what the model can’t take is refused by its code, and costs the worker nothing', async () => {
  const { write } = await openWith({ contextTokens: 64 })
  await expect(write(request({ prompt: { text: '' } }))).rejects.toMatchObject({ code: 'text-empty' })
  await expect(write(request({ prompt: { text: 'long '.repeat(40) } }))).rejects.toMatchObject({
    name: 'ValidationError',
    code: 'context-full',
    context: { promptTokens: 200, contextTokens: 64 },
  })
  const { tokens } = await write(request({ maxTokens: 5 }))
  expect(tokens).toHaveLength(5)
  expect(workers).toHaveLength(1)
})

test('who holds the prompt’s ids and the answer goes on in the next worker', async () => {
  const { edge, model, write } = await openWith()
  const whole = await write(request())
  const known: number[] = []
  const ids: number[] = []
  const dying = write(request(), (event) => {
    if (event.type === 'prompt') ids.push(...event.ids)
    if (event.type !== 'text') return
    known.push(...event.tokens)
    crash()
  })
  await expect(dying).rejects.toMatchObject({ code: 'edge-crashed' })
  await edge.load(model.manifest, model.readFiles)
  const rest = await write(request({ prompt: { ids }, answer: known }))
  expect([...known, ...rest.tokens]).toEqual(whole.tokens)
  expect(workers).toHaveLength(2)
})

test('a model whose tokenizer is another’s does not load', async () => {
  const edge = openEdge()
  const model = await tinyWriter()
  const { generation } = model.manifest
  const small = { ...model.manifest, generation: generation && { ...generation, vocabulary: 10, ends: [] } }
  await expect(edge.load(small, model.readFiles)).rejects.toMatchObject({ code: 'tokenizer-unfit' })
})

test('a context that takes more memory than there is is refused before anything is read', async () => {
  const edge = openEdge({ memoryBytes: 200e6 })
  const { manifest } = await tinyWriter({ contextTokens: 1_000_000 })
  await edge.check(manifest)
  await expect(edge.check(manifest, 900_000)).rejects.toMatchObject({ code: 'model-unsupported' })
})
