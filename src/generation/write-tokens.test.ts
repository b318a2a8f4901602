import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasStoriesModel, storiesModel } from '../testing/stories-model.ts'
import { createDecoder, type Decoder } from './decoder/create-decoder.ts'
import { createRememberedPrefixes } from './decoder/remembered-prefixes.ts'
import { greedy, type Sampling } from './sampling/sampling.ts'
import { writeTokens } from './write-tokens.ts'

describe.skipIf(!hasStoriesModel)('a real model', () => {
  let session: InferenceSession
  let decoder: Decoder
  const expected = hasStoriesModel ? storiesModel().expected.greedy_ids : []
  const promptTokens = 5
  beforeAll(async () => {
    session = await InferenceSession.create(storiesModel().graph)
    const made = createDecoder(session, Tensor)
    if (typeof made === 'string') throw new Error(made)
    decoder = made
  })
  afterAll(() => session.release())

  const write = async (options: {
    prompt: readonly number[]
    answer?: readonly number[]
    sampling?: Partial<Sampling>
    prefixes?: ReturnType<typeof createRememberedPrefixes>
    maxTokens?: number
    signal?: AbortSignal
    onToken?: (token: number) => void
    onRead?: (progress: { read: number; cached: number }) => void
  }) => {
    const tokens: number[] = []
    const writing = writeTokens({
      decoder,
      prefixes: options.prefixes ?? createRememberedPrefixes(1e8),
      prompt: options.prompt,
      ...(options.answer === undefined ? {} : { answer: options.answer }),
      sampling: { ...greedy, ...options.sampling },
      ends: new Set([1, 2]),
      maxTokens: options.maxTokens ?? 100,
      contextTokens: 512,
      signal: options.signal,
      pause: () => new Promise((resolve) => setImmediate(resolve)),
      onRead: options.onRead,
    })
    for (;;) {
      const { done, value } = await writing.next()
      if (done) return { tokens, end: value }
      tokens.push(value)
      options.onToken?.(value)
    }
  }

  test('greedy, it writes the ids that are written down', async () => {
    const { tokens, end } = await write({
      prompt: expected.slice(0, promptTokens),
      maxTokens: expected.length - promptTokens,
    })
    expect([...expected.slice(0, promptTokens), ...tokens]).toEqual(expected)
    expect(end).toBe('length')
  })

  test('gone on with at any place, the rest is the same: greedy, sampled and penalized', async () => {
    const prompt = expected.slice(0, promptTokens)
    for (const sampling of [
      {},
      { temperature: 0.9, topP: 0.9, seed: 3, frequencyPenalty: 0.3, repetitionPenalty: 1.1 },
    ]) {
      const { tokens } = await write({ prompt, sampling, maxTokens: 60 })
      for (const cut of [1, 2, 17, 40, 59]) {
        const rest = await write({ prompt, answer: tokens.slice(0, cut), sampling, maxTokens: 60 })
        expect([...tokens.slice(0, cut), ...rest.tokens]).toEqual(tokens)
      }
    }
  })

  test('a prompt that was read before is not read again, nor is its edited turn’s beginning', async () => {
    const prefixes = createRememberedPrefixes(1e8)
    const prompt = expected.slice(0, 150)
    const first = await write({ prompt, prefixes, maxTokens: 20 })
    const reads: { read: number; cached: number }[] = []
    const turn = [...prompt, ...first.tokens, ...expected.slice(60, 80)]
    const second = await write({ prompt: turn, prefixes, maxTokens: 20, onRead: (progress) => reads.push(progress) })
    // The answer's last token was given, and never read.
    expect(reads[0]?.cached).toBe(169)
    expect(second.tokens).toEqual((await write({ prompt: turn, maxTokens: 20 })).tokens)
    const edited = [...prompt.slice(0, 100), ...expected.slice(10, 40)]
    reads.length = 0
    const third = await write({ prompt: edited, prefixes, maxTokens: 20, onRead: (progress) => reads.push(progress) })
    expect(reads[0]?.cached).toBe(100)
    expect(third.tokens).toEqual((await write({ prompt: edited, maxTokens: 20 })).tokens)
    // Written anew: all but the last token of the prompt is known.
    reads.length = 0
    expect(
      (await write({ prompt, prefixes, maxTokens: 20, onRead: (progress) => reads.push(progress) })).tokens,
    ).toEqual(first.tokens)
    expect(reads[0]?.cached).toBe(149)
  })

  test('an abort ends it between two runs, also within a prompt, and what was read is kept', async () => {
    const prefixes = createRememberedPrefixes(1e8)
    const controller = new AbortController()
    const reads: number[] = []
    const prompt = expected.slice(0, 200)
    const aborted = write({
      prompt,
      prefixes,
      signal: controller.signal,
      onRead({ read }) {
        reads.push(read)
        controller.abort('enough')
      },
    })
    await expect(aborted).rejects.toBe('enough')
    expect(reads).toEqual([48])
    await write({ prompt, prefixes, maxTokens: 1, onRead: ({ cached }) => reads.push(cached) })
    expect(reads[1]).toBe(48)
  })

  test('it ends where the context is full', async () => {
    const long = Array.from({ length: 3 }, () => expected.slice(0, 165)).flat()
    const { tokens, end } = await write({ prompt: long, maxTokens: 400 })
    expect(long.length + tokens.length).toBeLessThanOrEqual(512)
    expect(['stop', 'length']).toContain(end)
  })
})
