import type { Arm } from '../../contracts/route.ts'
import type { Forecast } from '../../utils/forecast.ts'
import { drawNormal } from '../../utils/seeded-random.ts'
import type { routerSettings } from '../router-settings.ts'
import type { RouterSnapshot } from '../router-types.ts'
import type { Candidate } from './arm-estimate.ts'

/** Should the other arm run beside the one that starts, to learn how fast it is by now? */
export type Explores = (
  snapshot: RouterSnapshot,
  first: Candidate,
  other: Candidate,
  nowMs: number,
  tokens: Readonly<Record<Arm, { readonly level: number }>>,
) => boolean

/**
 * Both run and the first answer is taken, so that learning costs no time.
 *
 * The link is tried where it was neither used nor probed for long and, with one draw of what each arm may be like
 * (Thompson sampling), the plan would be the other one. This device is tried where it was last far slower than it
 * usually is and its usual time would be the faster one: throttled by heat or by other work, it will be quick again,
 * and nothing else says when.
 */
export function createExplorer(random: () => number, settings: typeof routerSettings): Explores {
  const { exploreAgeMs, exploreLevel, slowedBy } = settings
  let triedAtMs = Number.NEGATIVE_INFINITY

  const drawn = (time: Forecast) => {
    const { mu, variance } = time.otherwise && random() < time.otherwise.chance ? time.otherwise.value : time
    return mu + Math.sqrt(variance) * drawNormal(random)
  }

  return ({ edge, clouds }, first, other, nowMs, tokens) => {
    if (first.time === undefined || other.time === undefined || tokens.edge.level < 1) return false
    if (other.arm === 'edge') {
      const { usualMs = Number.POSITIVE_INFINITY, ageMs = 0, waitMs = 0 } = edge
      const mayBeQuick = usualMs + waitMs < first.meanMs && other.meanMs - waitMs > slowedBy * usualMs
      // A run that is overtaken need not teach anything, so its age alone would have it tried each time.
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
