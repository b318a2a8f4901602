import { expect, it } from 'vitest'
import { tokenLogprobs } from './token-logprobs.ts'

it('the probabilities are those of the softmax, of large logits too', () => {
  const logits = Float32Array.of(1000, 1000 + Math.log(2), Number.NEGATIVE_INFINITY, 1000)
  const { logprob, top } = tokenLogprobs(logits, 0, 2)
  expect(Math.exp(logprob)).toBeCloseTo(0.25, 4)
  expect(top.map(({ token }) => token)).toEqual([1, 0])
  expect(top.map(({ logprob: each }) => Math.exp(each))[0]).toBeCloseTo(0.5, 4)
  expect(tokenLogprobs(logits, 2, 0)).toEqual({ token: 2, logprob: Number.NEGATIVE_INFINITY, top: [] })
})
