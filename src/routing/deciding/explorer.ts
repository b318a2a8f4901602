import type { Arm } from '../../contracts/route.ts'
import type { Forecast } from '../../utils/forecast.ts'
import { drawNormal } from '../../utils/seeded-random.ts'
import type { routerSettings } from '../router-settings.ts'
import type { RouterSnapshot } from '../router-types.ts'
import type { ArmEstimate } from './arm-estimate.ts'

/** Should `other` run beside `first`, to measure how fast it is now? */
export type ShouldExplore = (request: {
  readonly snapshot: RouterSnapshot
  readonly first: ArmEstimate
  readonly other: ArmEstimate
  readonly nowMs: number
  readonly tokens: Readonly<Record<Arm, { readonly level: number }>>
}) => boolean

/**
 * Explores by running both arms and taking the first answer, so that it costs no time.
 *
 * The cloud is explored when its link was neither used nor probed for long, and one random draw of each arm's time
 * (Thompson sampling; Thompson 1933, "On the likelihood that one unknown probability exceeds another") favours it. The
 * edge is explored when its last run was far slower than usual and its usual time would be the faster one: a throttled
 * device recovers, and only a run shows when.
 */
export function createExplorer(random: () => number, settings: typeof routerSettings): ShouldExplore {
  const { exploreAgeMs, exploreLevel, slowedBy } = settings
  let triedAtMs = Number.NEGATIVE_INFINITY

  const drawn = (time: Forecast) => {
    const { mu, variance } = time.otherwise && random() < time.otherwise.chance ? time.otherwise.value : time
    return mu + Math.sqrt(variance) * drawNormal(random)
  }

  return ({ snapshot: { edge, clouds }, first, other, nowMs, tokens }) => {
    if (first.time === undefined || other.time === undefined || tokens.edge.level < 1) return false
    if (other.arm === 'edge') {
      const { usualMs = Number.POSITIVE_INFINITY, ageMs = 0, waitMs = 0 } = edge
      const mayBeQuick = usualMs + waitMs < first.meanMs && other.meanMs - waitMs > slowedBy * usualMs
      // A run that is overtaken may leave `ageMs` as it was, so exploring is limited by its own clock, too.
      const sinceMs = nowMs - triedAtMs
      const triedLately = sinceMs >= 0 && sinceMs < exploreAgeMs
      if (!mayBeQuick || triedLately || ageMs < exploreAgeMs) return false
      triedAtMs = nowMs
      return true
    }
    const ageMs = clouds.find(({ endpoint }) => endpoint === other.endpoint)?.ageMs ?? Number.POSITIVE_INFINITY
    if (ageMs < exploreAgeMs || tokens.cloud.level < exploreLevel) return false
    return drawn(other.time) < drawn(first.time)
  }
}
