import type { Arm } from '../../contracts/route.ts'
import { createTokenBucket, type TokenBucket } from '../../utils/token-bucket.ts'
import type { routerSettings } from '../router-settings.ts'

/** Bounds runs in vain: how many there may be, and what one more costs. */
export interface Waste {
  /** Tokens for wasted runs on either arm. */
  readonly tokens: Readonly<Record<Arm, TokenBucket>>
  /** What a wasted run on the arm costs, in milliseconds: the dearer, the fewer tokens are left. */
  costOf(arm: Arm, scaleMs: number): number
  /**
   * Overdrawn only for what saves a great deal, and by no more than was saved up; by three times as much on the arm that
   * starts, as the second run is its rescue.
   */
  mayFollow(first: Arm, second: Arm): boolean
}

/** @param shares tokens that each request brings, for either arm */
export function createWaste(shares: Readonly<Record<Arm, number>>, settings: typeof routerSettings): Waste {
  const most: Readonly<Record<Arm, number>> = { edge: settings.edgeBurst, cloud: settings.cloudBurst }
  const prices: Readonly<Record<Arm, number>> = { edge: settings.edgePrice, cloud: settings.cloudPrice }
  const tokens = {
    edge: createTokenBucket({ share: shares.edge, most: most.edge }),
    cloud: createTokenBucket({ share: shares.cloud, most: most.cloud }),
  }
  return {
    tokens,
    costOf: (arm, scaleMs) =>
      prices[arm] * (scaleMs + settings.priceFloorMs) * settings.growth ** (most[arm] - tokens[arm].level),
    mayFollow: (first, second) =>
      tokens[second].level >= 1 - most[second] && tokens[first].level >= 1 - 3 * most[first],
  }
}
