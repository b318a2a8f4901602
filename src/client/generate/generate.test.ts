import { expect, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { CapabilityError } from '../../errors/capability-error.ts'
import { EdgeError } from '../../errors/edge-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { WriteRequest } from '../../generation/writer/write-request.ts'
import { plainManifest } from '../../testing/fake-manifest.ts'
import { openTextWriterFixture } from '../../testing/text-writer-fixture.ts'
import type { GenerateInput, GenerateOptions } from '../types/generate-types.ts'
import type { GenerateParts } from './routing/generate-parts.ts'

const generation: Manifest['generation'] = {
  tokenizer: 'tokenizer.json',
  vocabulary: 100,
  contextTokens: 50,
  ends: [0],
  cache: { layers: 1, kvHeads: 1, headSize: 8, type: 'float32' },
  sampling: { temperature: 0.5, topK: 40 },
}
const writer = plainManifest({ name: 'writer', revision: '1', files: [], task: 'text-generation', generation })
type Write = GenerateParts['edge']['write']
const words: Write = async (_, __, { onEvents }) => {
  onEvents([{ type: 'prompt', ids: [1, 2], droppedMessages: 0 }])
  onEvents([{ type: 'read', read: 2, of: 2, cached: 1 }])
  onEvents([{ type: 'text', tokens: [3], text: 'Once', held: '', whole: 1 }])
  onEvents([{ type: 'text', tokens: [4], text: ' more', held: '', whole: 2 }])
  return { reason: 'stop' }
}

function open(
  changes: {
    readonly write?: Write
    readonly manifest?: Manifest
    readonly lacks?: string
    /** What is stored on the device. */
    readonly records?: Map<string, unknown>
  } = {},
) {
  const { write = words, manifest = writer, lacks, records = new Map<string, unknown>() } = changes
  const requests: WriteRequest[] = []
  const wanted: (number | undefined)[] = []
  const edge: GenerateParts['edge'] = {
    async write(of, request, options) {
      requests.push(request)
      return write(of, request, options)
    },
    async check(_, tokens) {
      wanted.push(tokens)
      if (lacks !== undefined) throw new CapabilityError('model-unsupported', lacks)
    },
    loaded: () => ({ backend: 'wasm' }),
  }
  const fixture = openTextWriterFixture({ edge, manifest, records })
  const ask = (input: GenerateInput = { prompt: 'Tell' }, options: GenerateOptions = {}) =>
    fixture.writer.generate('writer', input, options)
  return { ...fixture, ask, requests, wanted, downloads: fixture.prepared }
}

test('an answer, its tokens and its record', async () => {
  const { ask, routes, requests } = open()
  const { route, ...answer } = await ask({ prompt: 'Tell' }, { seed: 3, stop: 'END', maxTokens: 9 }).done
  expect(answer).toEqual({
    text: 'Once more',
    finishReason: 'stop',
    usage: { promptTokens: 2, cachedTokens: 1, answerTokens: 2, droppedMessages: 0 },
  })
  expect(routes).toEqual([route])
  expect(route).toMatchObject({
    ran: 'edge',
    backend: 'wasm',
    writing: { finishReason: 'stop', tokens: 2, promptTokens: 2, cachedTokens: 1, moves: [] },
  })
  // What the maker recommends, where the caller says nothing.
  expect(requests).toMatchObject([
    {
      prompt: { text: 'Tell' },
      stops: ['END'],
      maxTokens: 9,
      sampling: { temperature: 0.5, topK: 40, topP: 0.95, seed: 3 },
    },
  ])
})

test('without a seed, two answers are drawn differently', async () => {
  const { ask, requests } = open()
  await ask().done
  await ask().done
  expect(requests[0]?.sampling.seed).not.toBe(requests[1]?.sampling.seed)
})

test('what this device lacks for the wanted text is said before anything is fetched', async () => {
  const { ask, wanted, downloads } = open({ lacks: 'no memory' })
  await expect(ask({ prompt: 'abc'.repeat(100) }, { maxTokens: 20 }).done).rejects.toMatchObject({
    code: 'model-unsupported',
  })
  expect(wanted[0]).toBe(120)
  expect(downloads()).toBe(0)
})

test('a prompt that no model could hold is refused before anything is fetched; one of long words is tried', async () => {
  const { ask, downloads } = open()
  const tooLong = ask({ prompt: 'a'.repeat(50 * 64) })
  await expect(tooLong.done).rejects.toMatchObject({
    code: 'context-full',
    context: { promptTokens: 50, contextTokens: 50, maxTokens: 512 },
  })
  expect(downloads()).toBe(0)
  // 49 tokens of 10 letters.
  expect((await ask({ prompt: 'whereupon '.repeat(49) }).done).text).toBe('Once more')
  expect((await ask({ prompt: 'a'.repeat(50 * 64) }, { whenFull: 'drop-oldest' }).done).text).toBe('Once more')
})

test('an abort ends it with what was written', async () => {
  const controller = new AbortController()
  const { ask, routes, failures } = open({
    write: async (of, request, options) => {
      await words(of, request, options)
      controller.abort(new Error('enough'))
      options.signal?.throwIfAborted()
      return { reason: 'stop' }
    },
  })
  const { text, finishReason } = await ask({ prompt: 'Tell' }, { signal: controller.signal }).done
  expect([text, finishReason]).toEqual(['Once more', 'aborted'])
  expect(routes).toMatchObject([{ writing: { finishReason: 'aborted' } }])
  expect(failures).toEqual([])
})

test('what fails in its midst is cut off, with the reason; before a token it fails', async () => {
  const crash = new EdgeError('edge-run-failed', 'The run failed.')
  const midst = open({
    write: async (of, request, options) => {
      await words(of, request, options)
      throw crash
    },
  })
  expect(await midst.ask().done).toMatchObject({ text: 'Once more', finishReason: 'cut-off', error: crash })
  const begin = open({ write: () => Promise.reject(crash) })
  await expect(begin.ask().done).rejects.toBe(crash)
  expect(begin.failures).toEqual([crash])
})

test('a request that takes too long is given up; what was written is kept', async () => {
  const never: Write = (_, __, { signal }) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  await expect(open({ write: never }).ask({ prompt: 'x' }, { timeoutMs: 1 }).done).rejects.toMatchObject({
    code: 'deadline-exceeded',
  })
  const slow: Write = async (of, request, options) => {
    await words(of, request, options)
    return never(of, request, options)
  }
  expect(await open({ write: slow }).ask({ prompt: 'x' }, { timeoutMs: 20 }).done).toMatchObject({
    text: 'Once more',
    finishReason: 'cut-off',
    error: { code: 'deadline-exceeded' },
  })
})

test('a page that was reloaded in the midst goes on from its journal; another request does not (case 56)', async () => {
  const records = new Map<string, unknown>()
  const options = { journal: 'story', maxTokens: 9 }
  const dying = open({
    records,
    write: async (of, request, options) => {
      await words(of, request, options)
      throw new EdgeError('edge-run-failed', 'The page has gone.')
    },
  })
  expect(await dying.ask({ prompt: 'Tell' }, options).done).toMatchObject({ finishReason: 'cut-off' })
  const next = open({
    records,
    write: async (_, { answer }, { onEvents }) => {
      onEvents([{ type: 'prompt', ids: [1, 2], droppedMessages: 0, answer, shown: 'Once' }])
      onEvents([{ type: 'text', tokens: [5], text: ` after ${answer}`, held: '', whole: 2 }])
      return { reason: 'stop' }
    },
  })
  // Another request under that name begins anew, and is what is kept then.
  const other = new Map(records)
  expect((await open({ records: other }).ask({ prompt: 'Tell me' }, options).done).text).toBe('Once more')
  const { text, usage } = await next.ask({ prompt: 'Tell' }, options).done
  // Only what had been kept: the last tokens may be written again.
  expect(text).toBe('Once after 3')
  expect(usage).toMatchObject({ promptTokens: 2, answerTokens: 2 })
  expect(next.requests).toMatchObject([{ prompt: { ids: [1, 2] }, answer: [3] }])
  expect(next.requests[0]?.sampling.seed).toBe(dying.requests[0]?.sampling.seed)
  expect(records.size).toBe(0)
})

test('what is stored and no journal is not gone on with', async () => {
  const records = new Map<string, unknown>([['writing story', { version: 1, request: 'x', answer: 'lies' }]])
  expect((await open({ records }).ask({ prompt: 'Tell' }, { journal: 'story' }).done).text).toBe('Once more')
})

test('text that must be written in the cloud is refused, and nothing is fetched', async () => {
  const { ask, downloads } = open()
  await expect(ask({ prompt: 'x' }, { privacy: 'cloud-only' }).done).rejects.toMatchObject({ code: 'no-arm' })
  expect(downloads()).toBe(0)
})

test('a model that does not write text is refused', async () => {
  const { ask } = open({ manifest: plainManifest({ name: 'digits', revision: '1', files: [] }) })
  await expect(ask().done).rejects.toMatchObject({ code: 'input-unexpected' })
})

test.each<[string, unknown, unknown]>([
  ['nothing', {}, {}],
  ['a prompt that is no text', { prompt: 7 }, {}],
  ['both at once', { prompt: 'a', messages: [] }, {}],
  ['no messages', { messages: [] }, {}],
  ['an unknown role', { messages: [{ role: 'robot', content: 'x' }] }, {}],
  ['an unknown option', { prompt: 'x' }, { temprature: 1 }],
  ['a temperature below zero', { prompt: 'x' }, { temperature: -1 }],
  ['no tokens', { prompt: 'x' }, { maxTokens: 0 }],
  ['an empty stop string', { prompt: 'x' }, { stop: '' }],
  ['too many stop strings', { prompt: 'x' }, { stop: Array.from({ length: 17 }, () => 'x') }],
])('%s is refused by name', (_, input, options) => {
  const { ask } = open()
  const call = () => ask(input as GenerateInput, options as GenerateOptions)
  expect(call).toThrow(ValidationError)
  expect(call).toThrow(expect.objectContaining({ code: 'options-invalid' }))
})

test('an answer that an earlier version of the page has kept is gone on with', async () => {
  const records = new Map<string, unknown>()
  const options = { journal: 'story', maxTokens: 9, seed: 5 }
  const sampling = {
    ...{ temperature: 0.5, topK: 40, topP: 0.95, minP: 0, repetitionPenalty: 1 },
    ...{ presencePenalty: 0, frequencyPenalty: 0, seed: 5 },
  }
  records.set('writing story', {
    version: 1,
    request: JSON.stringify(['writer@1', { text: 'Tell' }, options]),
    savedAtMs: Date.now(),
    ...{ prompt: [1, 2], answer: [3], text: 'Once', droppedMessages: 0, sampling },
  })
  const next = open({
    records,
    write: async (_, { answer }, { onEvents }) => {
      onEvents([{ type: 'prompt', ids: [1, 2], droppedMessages: 0, answer, shown: 'Once' }])
      onEvents([{ type: 'text', tokens: [5], text: ' more', held: '', whole: 2 }])
      return { reason: 'stop' }
    },
  })
  expect((await next.ask({ prompt: 'Tell' }, options).done).text).toBe('Once more')
  expect(next.requests).toMatchObject([{ prompt: { ids: [1, 2] }, answer: [3] }])
})

test('explain says what each arm’s first token, tokens a second and end are predicted to be', async () => {
  const { writer: texts } = open()
  const explained = await texts.explain(writer, { privacy: 'any', deadlineMs: undefined })
  expect(explained).toMatchObject({ arm: 'edge', reason: 'no-endpoint', predicted: { edge: {} } })
  const [edge] = explained.writing?.arms ?? []
  expect(edge).toMatchObject({ arm: 'edge', isMeasured: false })
  expect(edge?.tokensPerSecond).toBeGreaterThan(0)
  expect(edge?.end.meanMs).toBeGreaterThan(explained.predicted.edge?.meanMs ?? Number.POSITIVE_INFINITY)
})
