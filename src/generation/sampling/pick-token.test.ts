import fc from 'fast-check'
import { expect, test } from 'vitest'
import { candidatesFrom, likeliest, topCandidates } from './candidates.ts'
import { pickToken } from './pick-token.ts'
import { greedy, type Sampling } from './sampling.ts'
import { countTokens } from './token-counts.ts'
import { uniformAt } from './uniform-at.ts'

const logitsOf = (values: readonly number[]) => Float32Array.from(values)
const none = () => countTokens([])
const sampling = (changes: Partial<Sampling>): Sampling => ({ ...greedy, temperature: 1, seed: 7, ...changes })
/** How often each token is drawn at 4,000 positions. */
const drawn = (values: readonly number[], changes: Partial<Sampling>) => {
  const counts = new Array<number>(values.length).fill(0)
  for (let position = 0; position < 4_000; position += 1) {
    const token = pickToken(logitsOf(values), sampling(changes), none(), position)
    counts[token] = (counts[token] ?? 0) + 1
  }
  return counts.map((count) => count / 4_000)
}
const anyLogits = fc.array(fc.oneof(fc.float({ noNaN: true, min: -50, max: 50 }), fc.integer({ min: -2, max: 2 })), {
  minLength: 1,
  maxLength: 200,
})

test('the top candidates are those of a full sort, equals by their ids', () => {
  fc.assert(
    fc.property(anyLogits, fc.integer({ min: 1, max: 50 }), (values, count) => {
      const logits = logitsOf(values)
      const sorted = [...logits]
        .map((logit, token) => ({ token, logit }))
        .sort((a, b) => b.logit - a.logit || a.token - b.token)
      expect(topCandidates(logits, count)).toEqual(sorted.slice(0, count))
      expect(likeliest(logits)).toBe(sorted[0]?.token)
      const least = sorted[Math.min(count, sorted.length) - 1]?.logit ?? 0
      expect(candidatesFrom(logits, least)).toEqual(sorted.filter(({ logit }) => logit >= least))
    }),
  )
})

test('NaN is never chosen where there is a number', () => {
  const logits = logitsOf([Number.NaN, 1, Number.NaN, 2])
  expect(likeliest(logits)).toBe(3)
  expect(topCandidates(logits, 4).map(({ token }) => token)).toEqual([3, 1])
})

test('tokens are drawn as often as the model says', () => {
  const shares = drawn([Math.log(0.5), Math.log(0.3), Math.log(0.2)], {})
  expect(shares[0]).toBeCloseTo(0.5, 1)
  expect(shares[1]).toBeCloseTo(0.3, 1)
  expect(shares[2]).toBeCloseTo(0.2, 1)
})

test('temperature sharpens and flattens; at 0 the likeliest is taken', () => {
  const values = [Math.log(0.6), Math.log(0.4)]
  // 0.6² over 0.6² + 0.4².
  expect(drawn(values, { temperature: 0.5 })[0]).toBeCloseTo(0.692, 1)
  expect(drawn(values, { temperature: 100 })[0]).toBeCloseTo(0.5, 1)
  expect(drawn(values, { temperature: 0 })).toEqual([1, 0])
})

test('top-k, top-p and min-p leave out the unlikely ones', () => {
  const values = [0.5, 0.25, 0.15, 0.1].map(Math.log)
  expect(drawn(values, { topK: 2 }).slice(2)).toEqual([0, 0])
  expect(drawn(values, { topK: 2 })[0]).toBeCloseTo(0.667, 1)
  // The first two have 0.75 together: the third is needed for 0.8.
  expect(drawn(values, { topP: 0.8 })[3]).toBe(0)
  expect(drawn(values, { topP: 0.8 })[2]).toBeGreaterThan(0.1)
  expect(drawn(values, { topP: 0.01 })).toEqual([1, 0, 0, 0])
  // 0.4 of 0.5 is 0.2.
  expect(drawn(values, { minP: 0.4 }).slice(2)).toEqual([0, 0])
  expect(drawn(values, { minP: 1 })).toEqual([1, 0, 0, 0])
  // Of the two that top-k leaves, the first has two thirds.
  expect(drawn(values, { topK: 2, topP: 0.6 })).toEqual([1, 0, 0, 0])
})

test('what was used is penalized: the prompt by repetition only, the answer by all three', () => {
  const picked = (changes: Partial<Sampling>, values: number[], prompt: number[], answer: number[]) =>
    pickToken(logitsOf(values), { ...greedy, ...changes }, countTokens(prompt, answer), answer.length)
  expect(picked({ repetitionPenalty: 1.5 }, [1.2, 1], [0], [])).toBe(1)
  expect(picked({ repetitionPenalty: 1.5 }, [-1, -1.2], [0], [])).toBe(1)
  expect(picked({ presencePenalty: 0.5 }, [1.2, 1], [0], [])).toBe(0)
  expect(picked({ presencePenalty: 0.5 }, [1.2, 1], [], [0, 0])).toBe(1)
  expect(picked({ frequencyPenalty: 0.15 }, [1.2, 1], [], [0])).toBe(0)
  expect(picked({ frequencyPenalty: 0.15 }, [1.2, 1], [], [0, 0])).toBe(1)
  // An id that is beyond the vocabulary is no fault of the sampler's.
  expect(picked({ repetitionPenalty: 2 }, [1, 2], [99], [])).toBe(1)
})

test('the same seed draws the same at each position, and another one does not', () => {
  const values = Array.from({ length: 100 }, (_, token) => Math.sin(token))
  const tokens = (seed: number) =>
    Array.from({ length: 60 }, (_, position) => pickToken(logitsOf(values), sampling({ seed }), none(), position))
  expect(tokens(3)).toEqual(tokens(3))
  expect(tokens(3)).not.toEqual(tokens(4))
  expect(tokens(2 ** 40)).not.toEqual(tokens(0))
})

test('random numbers are spread evenly over seeds and positions', () => {
  const bins = new Array<number>(16).fill(0)
  let [sum, lagged] = [0, 0]
  for (let seed = 0; seed < 40; seed += 1) {
    for (let position = 0; position < 1_000; position += 1) {
      const drawnHere = uniformAt(seed, position)
      expect(drawnHere >= 0 && drawnHere < 1).toBe(true)
      const bin = Math.floor(drawnHere * 16)
      bins[bin] = (bins[bin] ?? 0) + 1
      sum += drawnHere
      lagged += (drawnHere - 0.5) * (uniformAt(seed, position + 1) - 0.5)
    }
  }
  expect(sum / 40_000).toBeCloseTo(0.5, 2)
  expect(Math.abs(lagged / 40_000) * 12).toBeLessThan(0.02)
  for (const bin of bins) expect(bin / 2_500).toBeCloseTo(1, 0)
  const chi = bins.reduce((total, bin) => total + (bin - 2_500) ** 2 / 2_500, 0)
  // 15 degrees of freedom: above 37.7 once in a thousand.
  expect(chi).toBeLessThan(37.7)
})
