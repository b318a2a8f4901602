import type { LogNormal } from '../../utils/log-normal.ts'
import type { routerSettings } from '../router-settings.ts'
import type { SecondRun } from '../router-types.ts'
import type { ArmEstimate } from './arm-estimate.ts'

/** A link that changes with less than this chance is not probed for it. */
const leastChance = 0.02

/** Whether to probe the link: the cloud is not used, its last measurement is old, and it may well be the faster arm. */
export function wantsProbe(
  {
    first,
    second,
    edge,
    cloud,
    ageMs = Number.POSITIVE_INFINITY,
    sinceProbeMs,
  }: {
    readonly first: ArmEstimate
    readonly second: SecondRun | undefined
    readonly edge: ArmEstimate
    readonly cloud: ArmEstimate
    /** Milliseconds since the link was measured; undefined when it never was. */
    readonly ageMs: number | undefined
    readonly sinceProbeMs: number
  },
  { probeAgeMs, probeSd }: Pick<typeof routerSettings, 'probeAgeMs' | 'probeSd'>,
): boolean {
  if (first.arm === 'cloud' || second?.afterMs === 0 || cloud.time === undefined) return false
  if (ageMs < probeAgeMs || sinceProbeMs < probeAgeMs) return false
  const mayBeFaster = ({ mu, variance }: LogNormal) => Math.exp(mu - probeSd * Math.sqrt(variance)) < edge.meanMs
  const { otherwise } = cloud.time
  return (
    mayBeFaster(cloud.time) ||
    (otherwise !== undefined && otherwise.chance > leastChance && mayBeFaster(otherwise.value))
  )
}
