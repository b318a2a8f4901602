import { type Candidate, topCandidates } from './candidates.ts'

/** How likely a token was, and the likeliest ones beside it: natural logarithms of probabilities. */
export interface TokenLogprobs {
  readonly token: number
  readonly logprob: number
  /** The likeliest first. */
  readonly top: readonly { readonly token: number; readonly logprob: number }[]
}

/**
 * The model's own probabilities (softmax of its logits): before penalties, temperature and what else decides the choice.
 *
 * @param logits as the model gave them
 * @param count of likeliest tokens that are wanted
 */
export function tokenLogprobs(logits: Float32Array, token: number, count: number): TokenLogprobs {
  let most = Number.NEGATIVE_INFINITY
  for (const logit of logits) if (logit > most) most = logit
  let sum = 0
  for (const logit of logits) if (!Number.isNaN(logit)) sum += Math.exp(logit - most)
  const norm = most + Math.log(sum)
  const top: readonly Candidate[] = count === 0 ? [] : topCandidates(logits, count)
  return {
    token,
    logprob: (logits[token] ?? Number.NaN) - norm,
    top: top.map(({ token: each, logit }) => ({ token: each, logprob: logit - norm })),
  }
}
