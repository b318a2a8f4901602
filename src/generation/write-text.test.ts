import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasStoriesModel, storiesModel } from '../testing/stories-model.ts'
import { createDecoder, type Decoder } from './decoder/create-decoder.ts'
import { createRememberedPrefixes } from './decoder/remembered-prefixes.ts'
import { openTextCodec, type TextCodec } from './prompt/text-codec.ts'
import { greedy, type Sampling } from './sampling/sampling.ts'
import { shownText, type Transcript, writeText } from './write-text.ts'

describe.skipIf(!hasStoriesModel)('a real model', () => {
  let [session, decoder, codec]: [InferenceSession?, Decoder?, TextCodec?] = []
  beforeAll(async () => {
    const model = storiesModel()
    session = await InferenceSession.create(model.graph)
    const made = createDecoder(session, Tensor)
    if (typeof made === 'string') throw new Error(made)
    decoder = made
    codec = openTextCodec(model, model)
  })
  afterAll(() => session?.release())

  const start = (prompt: string, changes: Partial<Omit<Transcript, 'prompt'>> = {}): Transcript => ({
    prompt: codec?.encode(prompt, { whole: true }) ?? [],
    answer: [],
    sampling: greedy,
    stops: [],
    maxTokens: 80,
    ...changes,
  })
  async function write(transcript: Transcript) {
    if (decoder === undefined || codec === undefined) throw new Error('the model is not open')
    const { ends, contextTokens } = storiesModel()
    const writing = writeText({
      decoder,
      prefixes: createRememberedPrefixes(1e8),
      transcript,
      decode: codec.decode,
      ends,
      contextTokens,
      pause: async () => {},
    })
    const pieces: { tokens: readonly number[]; text: string }[] = []
    for (;;) {
      const { done, value } = await writing.next()
      if (done)
        return {
          tokens: pieces.flatMap(({ tokens }) => tokens),
          text: pieces.map(({ text }) => text).join(''),
          end: value,
        }
      pieces.push(value)
    }
  }

  test('the text is the tokens’, decoded as a whole', async () => {
    const { text, tokens } = await write(start('Once upon a time'))
    const { expected } = storiesModel()
    const prompt = codec?.encode(expected.prompt, { whole: true }) ?? []
    expect([...prompt, ...tokens]).toEqual(expected.greedy_ids.slice(0, prompt.length + 80))
    expect(`Once upon a time${text}`).toBe(codec?.decode([...prompt, ...tokens]))
    // Decoded by itself, it would lack its first blank.
    expect(text.startsWith(', there was')).toBe(true)
  })

  test('a text that goes on in the next word keeps the blank before it', async () => {
    const { text, tokens } = await write(start('Once upon'))
    expect(text.startsWith(' a time')).toBe(true)
    expect(codec?.decode(tokens).startsWith('a time')).toBe(true)
  })

  test('gone on with after any token, no character is lost or shown twice', async () => {
    const sampling: Sampling = { ...greedy, temperature: 1, topP: 0.95, seed: 11 }
    const whole = start('Lily and the big', { sampling, stops: ['. Then', 'zzz'] })
    const all = await write(whole)
    for (let cut = 0; cut < all.tokens.length; cut += 7) {
      const transcript = { ...whole, answer: all.tokens.slice(0, cut) }
      const shown = codec === undefined ? '' : shownText(transcript, codec.decode)
      const rest = await write(transcript)
      expect(shown + rest.text).toBe(all.text)
      expect([...transcript.answer, ...rest.tokens]).toEqual(all.tokens)
      expect(rest.end).toEqual(all.end)
    }
  })

  test('it ends before a stop string, which is no part of it', async () => {
    const { text } = await write(start('Once upon a time'))
    const stop = text.slice(20, 26)
    const ended = await write(start('Once upon a time', { stops: [stop] }))
    expect(ended.text).toBe(text.slice(0, text.indexOf(stop)))
    expect(ended.end).toEqual({ reason: 'stop', stopString: stop })
    // Gone on with after it has ended, it has nothing to add.
    const again = await write(start('Once upon a time', { stops: [stop], answer: ended.tokens }))
    expect(again).toEqual({ tokens: [], text: '', end: ended.end })
  })
})
