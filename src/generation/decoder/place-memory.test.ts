import fc from 'fast-check'
import { Tensor } from 'onnxruntime-common'
import { expect, test } from 'vitest'
import type { DecoderShape } from './decoder-shape.ts'
import type { KeyValues } from './key-values.ts'
import { createPlaceMemory } from './place-memory.ts'

const shape: DecoderShape = {
  layers: 2,
  kvHeads: 2,
  headSize: 3,
  type: 'float32',
  takesPositions: true,
  takesMask: true,
  takesLogitRows: true,
  gives: 'new',
}
const { layers, kvHeads, headSize } = shape

/** A number that tells a token from all others, and its place in the cache. */
const numberOf = (token: number, layer: number, part: number, head: number, index: number) =>
  token + layer / 2 + part / 4 + head / 8 + index / 64

/** What a decoder would give of these tokens: [1, heads, tokens, size] for each part. */
const given = (tokens: readonly number[]) =>
  Object.fromEntries(
    Array.from({ length: layers }, (_, layer) =>
      ['key', 'value'].map((name, part) => {
        const numbers = Array.from({ length: kvHeads }, (_, head) =>
          tokens.map((token) =>
            Array.from({ length: headSize }, (_, index) => numberOf(token, layer, part, head, index)),
          ),
        ).flat(2)
        const dims = [1, kvHeads, tokens.length, headSize]
        return [`new.${layer}.${name}`, new Tensor('float32', Float32Array.from(numbers), dims)]
      }),
    ).flat(),
  )

/** The tokens that keys and values are of, as every part of the cache has them. */
function tokensOf({ feeds, length, places }: KeyValues): readonly number[] {
  const tokens = Array.from({ length }, (_, at) => Math.floor(Number(feeds['past_key_values.0.key']?.data[at])))
  for (let layer = 0; layer < layers; layer += 1) {
    for (const [part, name] of ['key', 'value'].entries()) {
      const tensor = feeds[`past_key_values.${layer}.${name}`]
      expect(tensor?.dims).toEqual([1, kvHeads, ...(part === 0 ? [headSize, places] : [places, headSize])])
      const found = Array.from({ length: kvHeads * headSize * length }, (_, at) => {
        const [token, rest] = [at % length, Math.floor(at / length)]
        const [head, index] = [Math.floor(rest / headSize), rest % headSize]
        const place = part === 0 ? rest * places + token : (head * places + token) * headSize + index
        return [tensor?.data[place], numberOf(tokens[token] ?? Number.NaN, layer, part, head, index)]
      })
      expect(found.map(([is]) => is)).toEqual(found.map(([, wanted]) => wanted))
    }
  }
  return tokens
}

test('whoever goes on from which tokens, in which order: nobody sees what another one has read', () => {
  const read = fc.record({
    from: fc.nat(),
    cut: fc.option(fc.nat({ max: 80 })),
    tokens: fc.integer({ min: 1, max: 70 }),
    toCome: fc.constantFrom(0, 0, 30, 200),
    givesUp: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(read, { minLength: 1, maxLength: 12 }), (reads) => {
      const memory = createPlaceMemory(shape, Tensor)
      let known: { readonly keyValues: KeyValues; readonly tokens: readonly number[] }[] = [
        { keyValues: memory.start, tokens: [] },
      ]
      let next = 1
      for (const { from, cut, tokens: count, toCome, givesUp } of reads) {
        const before = known[from % known.length]
        if (before === undefined) throw new TypeError('nothing is known')
        const length = Math.min(cut ?? before.tokens.length, before.tokens.length)
        const begun = cut === null ? before.keyValues : memory.first(before.keyValues, length)
        const tokens = Array.from({ length: count }, () => next++)
        const keyValues = memory.take(given(tokens), undefined, begun, toCome)
        if (cut !== null) memory.release(begun)
        known.push({ keyValues, tokens: [...before.tokens.slice(0, length), ...tokens] })
        if (givesUp && before.keyValues !== memory.start) {
          memory.release(before.keyValues)
          known = known.filter((each) => each !== before)
        }
        for (const each of known) expect(tokensOf(each.keyValues)).toEqual(each.tokens)
      }
    }),
    { numRuns: 60 },
  )
})

test('an answer that goes on is written in place, and an answer beside it is not', () => {
  const memory = createPlaceMemory(shape, Tensor)
  const prompt = memory.take(given([1, 2, 3]), undefined, memory.start, 0)
  const first = memory.take(given([4]), undefined, prompt, 0)
  const other = memory.take(given([5]), undefined, prompt, 0)
  expect(first.feeds).toBe(prompt.feeds)
  expect(other.feeds).not.toBe(prompt.feeds)
  expect([prompt, first, other].map(({ length, places }) => [length, places])).toEqual([
    [3, 64],
    [4, 64],
    [4, 64],
  ])
  // What is counted is what is held: all that there is room for.
  expect(prompt.bytes).toBe(2 * layers * kvHeads * headSize * 64 * 4)
})

test('a prompt that is read in pieces has its room at once, and what only one holds is moved, not copied', () => {
  const memory = createPlaceMemory(shape, Tensor)
  const whole = Array.from({ length: 40 }, (_, at) => at + 1)
  const lieIn = ({ feeds }: KeyValues, buffers: readonly unknown[]) =>
    Object.values(feeds).every(({ data }, part) => (data as Float32Array).buffer === buffers[part])
  const first = memory.take(given(whole.slice(0, 16)), undefined, memory.start, 24)
  const buffers = Object.values(first.feeds).map(({ data }) => (data as Float32Array).buffer)
  const second = memory.take(given(whole.slice(16, 32)), undefined, first, 8)
  expect(second.places).toBe(32)
  expect(lieIn(second, buffers)).toBe(true)
  // Whoever still has the first piece finds it where it lies now.
  expect(tokensOf(first)).toEqual(whole.slice(0, 16))
  // Somebody else may be in a run that reads them: these stay where they are.
  const third = memory.take(given(whole.slice(32)), undefined, second, 0)
  expect(lieIn(third, buffers)).toBe(false)
  expect([first, second, third].map(tokensOf)).toEqual([whole.slice(0, 16), whole.slice(0, 32), whole])
  memory.release(first)
  memory.release(first)
  expect(() => memory.take(given([1]), undefined, first, 0)).toThrow('or released')
})

test('what is no part of a cache is refused', () => {
  const memory = createPlaceMemory(shape, Tensor)
  const other = createPlaceMemory(shape, Tensor)
  expect(() => memory.take({}, undefined, memory.start, 0)).toThrow('gave no "new.0.key"')
  expect(() => memory.take(given([1]), undefined, other.start, 0)).toThrow("another decoder's")
})
