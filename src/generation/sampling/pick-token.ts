import { type Candidate, candidatesFrom, likeliest, topCandidates } from './candidates.ts'
import type { Sampling } from './sampling.ts'
import type { TokenCounts } from './token-counts.ts'
import { uniformAt } from './uniform-at.ts'

/** What is less likely than the likeliest token by this factor is never drawn: a 32-bit float could not add it. */
const negligible = 1e-9

/**
 * Penalizes what was used, in place: repetition first, then presence and frequency, as vLLM and llama.cpp do.
 *
 * @param logits of the whole vocabulary; changed
 */
export function penalize(logits: Float32Array, sampling: Sampling, counts: TokenCounts): void {
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = sampling
  if (repetitionPenalty !== 1) {
    for (const token of counts.used) {
      const logit = logits[token]
      if (logit === undefined) continue
      logits[token] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty
    }
  }
  if (presencePenalty === 0 && frequencyPenalty === 0) return
  for (const [token, times] of counts.answered) {
    const logit = logits[token]
    if (logit !== undefined) logits[token] = logit - presencePenalty - frequencyPenalty * times
  }
}

/** Rules out all tokens but these, in place. */
export function keepOnly(logits: Float32Array, tokens: ReadonlySet<number>): void {
  for (let token = 0; token < logits.length; token += 1) {
    if (!tokens.has(token)) logits[token] = Number.NEGATIVE_INFINITY
  }
}

/** The shortest beginning of the candidates that has the share `topP` of all their probability (Holtzman et al. 2020). */
function nucleus(weights: readonly number[], topP: number): number {
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  let sum = 0
  for (let count = 0; count < weights.length; count += 1) {
    sum += weights[count] as number
    if (sum >= topP * all) return count + 1
  }
  return weights.length
}

/** In the order of Transformers: temperature, top-k, top-p, min-p. */
function candidatesOf(logits: Float32Array, { temperature, topK, topP, minP }: Sampling) {
  const most = logits[likeliest(logits)] as number
  const kept: Candidate[] =
    topK > 0 ? topCandidates(logits, topK) : candidatesFrom(logits, most + temperature * Math.log(negligible))
  const weights = kept.map(({ logit }) => Math.exp((logit - most) / temperature))
  const count = topP < 1 ? nucleus(weights, topP) : weights.length
  const likely = weights.slice(0, count)
  // The likeliest one always stays.
  const least = minP * (likely[0] ?? 0)
  return { kept, weights: minP > 0 ? likely.filter((weight, index) => index === 0 || weight >= least) : likely }
}

/**
 * Chooses the next token.
 *
 * @param logits of the whole vocabulary; changed where there are penalties
 * @param position of the token in the answer, from 0
 * @example pickToken(logits, greedy, countTokens(prompt), 0) // the likeliest
 */
export function pickToken(logits: Float32Array, sampling: Sampling, counts: TokenCounts, position: number): number {
  penalize(logits, sampling, counts)
  if (sampling.temperature === 0 || sampling.topK === 1) return likeliest(logits)
  const { kept, weights } = candidatesOf(logits, sampling)
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  const drawn = uniformAt(sampling.seed, position) * all
  let sum = 0
  for (const [index, weight] of weights.entries()) {
    sum += weight
    if (drawn < sum) return kept[index]?.token ?? likeliest(logits)
  }
  return kept[weights.length - 1]?.token ?? likeliest(logits)
}
