import type { Arm } from '../../contracts/route.ts'
import { createTokenBucket, type TokenBucket } from '../../utils/token-bucket.ts'
import type { routerSettings } from '../router-settings.ts'

/** Limits wasted runs: runs whose answer is not used, because another run of the request answered first. */
export interface WasteBudget {
  /** A token for each wasted run on the arm. */
  readonly tokens: Readonly<Record<Arm, TokenBucket>>
  /** Price of a wasted run on the arm, in milliseconds. Rises as tokens run out. */
  priceOf(arm: Arm, scaleMs: number): number
  /**
   * Whether `second` may run after `first`. A bucket may be overdrawn by its capacity, for hedges that save a lot; that
   * of the arm that starts by three times as much, as the second run rescues the first.
   */
  mayFollow(first: Arm, second: Arm): boolean
}

/** @param shares tokens that each request adds, per arm */
export function createWasteBudget(shares: Readonly<Record<Arm, number>>, settings: typeof routerSettings): WasteBudget {
  const most: Readonly<Record<Arm, number>> = { edge: settings.edgeBurst, cloud: settings.cloudBurst }
  const prices: Readonly<Record<Arm, number>> = { edge: settings.edgePrice, cloud: settings.cloudPrice }
  const tokens = {
    edge: createTokenBucket({ share: shares.edge, most: most.edge }),
    cloud: createTokenBucket({ share: shares.cloud, most: most.cloud }),
  }
  return {
    tokens,
    priceOf: (arm, scaleMs) =>
      prices[arm] * (scaleMs + settings.priceFloorMs) * settings.growth ** (most[arm] - tokens[arm].level),
    mayFollow: (first, second) =>
      tokens[second].level >= 1 - most[second] && tokens[first].level >= 1 - 3 * most[first],
  }
}
