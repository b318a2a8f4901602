import type { Forecast } from '../../../utils/forecast.ts'
import type { LogNormal } from '../../../utils/log-normal.ts'
import { type EdgePreparation, edgeServiceTime } from '../../learning/cost-models.ts'

/** Reading few tokens costs as much as reading this many more: one step is mostly reading the weights. */
export const stepTokens = 8

/** Tokens that an uncached token looks back on, on average: all cached ones, and half of the uncached ones. */
export const lookBackOf = ({
  promptTokens,
  uncachedTokens,
}: {
  readonly promptTokens: number
  readonly uncachedTokens: number
}): number => Math.max(0, promptTokens - uncachedTokens / 2)

/**
 * ECS for text, to the first token on this device:
 *
 *     ECS₁ = wait + (u + s) · (p₀ + p₁·n)  [ + bytes / B + other + load,  while the model is not ready ]
 *
 * u: uncached prompt tokens. s: `stepTokens`. n: tokens that one of them looks back on, on average. p₀ (ms a token): the
 * matrix products. p₁ (ms a token and token looked back on): the attention. Both belong to (model, backend) and are
 * learned (`RateLine`, p₁ = κ·p₀). Every token after the first takes d₀ + d₁·context, learned the same way.
 *
 * Source: time to the first token on a device is linear in the uncached prompt, time per token in the context
 * (DiSCo, arXiv 2502.11417; own measurements: 256, 512 and 1,024 tokens in 756, 1,714 and 4,090 ms).
 *
 * @param edge.perToken p₀ + p₁·n, ms
 * @returns milliseconds from now
 */
export const edgeFirstToken = (edge: {
  readonly waitMs: number
  readonly uncachedTokens: number
  readonly perToken: LogNormal
  readonly preparation?: (EdgePreparation & { readonly downlink: LogNormal }) | undefined
}): LogNormal =>
  edgeServiceTime({
    waitMs: edge.waitMs,
    service: {
      mu: edge.perToken.mu + Math.log(Math.max(0, edge.uncachedTokens) + stepTokens),
      variance: edge.perToken.variance,
    },
    preparation: edge.preparation,
  })

/**
 * CCS for text, to the first token from an endpoint, all of it together, as a request for text is small:
 *
 *     CCS₁ = c₀ · (1 + κ·u) · X,    X = 1 with the chance 1 − q, else the tail's ratio
 *
 * c₀ (ms): round trip, queue and the reading of a short prompt, log-normal. u: prompt tokens that it has not cached; κ is
 * small, as servers read thousands of tokens a second. q and the ratio: the heavy tail (`SlowTail`). All of it is learned
 * for each endpoint and model.
 *
 * Source: a server's time to the first token hardly depends on the prompt's length and is heavy-tailed (DiSCo, arXiv
 * 2502.11417; llm-d's predicted latency).
 */
export const cloudFirstToken = (
  usual: LogNormal,
  { chance, ratio }: { readonly chance: number; readonly ratio: LogNormal },
): Forecast => ({
  ...usual,
  otherwise: { chance, value: { mu: usual.mu + ratio.mu, variance: usual.variance + ratio.variance } },
})
