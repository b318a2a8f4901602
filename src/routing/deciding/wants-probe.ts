import type { LogNormal } from '../../utils/log-normal.ts'
import type { SecondRun } from '../router-types.ts'
import type { Candidate } from './arm-estimate.ts'

interface ProbeKnowledge {
  /** Milliseconds since the link was measured; absent when it never was. */
  readonly ageMs: number | undefined
  readonly sinceProbeMs: number
  /** What is younger needs no probe. */
  readonly probeAgeMs: number
  /** Standard deviations within which the cloud may be the faster one. */
  readonly probeSd: number
}

/** A probe helps where the cloud was not asked, what is known of it is old, and it may well be the faster one. */
export function wantsProbe(
  first: Candidate,
  second: SecondRun | undefined,
  edge: Candidate,
  cloud: Candidate,
  known: ProbeKnowledge,
): boolean {
  const { ageMs = Number.POSITIVE_INFINITY, sinceProbeMs, probeAgeMs, probeSd } = known
  if (first.arm === 'cloud' || second?.afterMs === 0 || cloud.time === undefined) return false
  if (ageMs < probeAgeMs || sinceProbeMs < probeAgeMs) return false
  const mayBeFaster = ({ mu, variance }: LogNormal) => Math.exp(mu - probeSd * Math.sqrt(variance)) < edge.meanMs
  const { otherwise } = cloud.time
  return mayBeFaster(cloud.time) || (otherwise !== undefined && otherwise.chance > 0.02 && mayBeFaster(otherwise.value))
}
