import {
  type CloudPlatform,
  type CloudPlatformPlan,
  cloudPlatformPlan,
} from '../../src/routing/fleet/cloud-platform-plan.ts'
import {
  type EdgePlatform,
  type EdgePlatformShare,
  edgePlatformShare,
} from '../../src/routing/fleet/edge-platform-share.ts'

/** A fleet and its endpoint, as `npm run plan` is asked. */
export interface FleetRequest {
  readonly platform: Omit<EdgePlatform, 'cloud'>
  readonly cloud: Pick<CloudPlatform, 'service' | 'p95Ms' | 'prices'>
  /** The busiest hour's requests over the mean hour's: workers are planned for that hour, and paid for always. */
  readonly peak: number
}

export interface FleetPlan {
  readonly edge: EdgePlatformShare
  readonly cloud: CloudPlatformPlan
  /** The same requests with no edge at all. */
  readonly allCloud: CloudPlatformPlan
  /** Money for 1,000 requests of the fleet, wherever they are answered. */
  readonly moneyPer1000: number
  /** The platform at its busiest hour, the endpoint's wait included: what a simulation repeats. */
  readonly atPeak: EdgePlatform
}

/**
 * ECP and CCP together. The share at the edge makes the endpoint's load, the load makes its wait, and the wait moves the
 * share: repeated until the wait stays.
 *
 * @throws {ConfigError} `config-invalid`: the numbers are none, or no endpoint can meet the p95
 */
export function planFleet({ platform, cloud, peak }: FleetRequest): FleetPlan {
  const { service } = cloud
  const bytes = platform.requestBytes + platform.responseBytes
  const busy = { ...platform, requestsPerDeviceHour: platform.requestsPerDeviceHour * peak }
  const planFor = (requestsPerSecond: number) => cloudPlatformPlan({ ...cloud, bytes, requestsPerSecond })
  let waitMs = 0
  for (let round = 0; ; round += 1) {
    const atPeak = { ...busy, cloud: { service, waitMs } }
    const edge = edgePlatformShare(atPeak)
    const plan = planFor(edge.cloudRequestsPerSecond)
    const moved = Math.abs(plan.meanWaitMs - waitMs)
    waitMs = plan.meanWaitMs
    if (moved > 0.01 && round < 30) continue
    const allCloud = planFor(edge.requestsPerSecond)
    // Workers stand by all day for the busiest hour; bytes are paid for as they come.
    const traffic = (1000 * bytes * cloud.prices.gigabyte) / 1e9
    const dayLong = ({ moneyPer1000 }: CloudPlatformPlan) => (moneyPer1000 - traffic) * peak + traffic
    return {
      edge,
      cloud: { ...plan, moneyPer1000: dayLong(plan) },
      allCloud: { ...allCloud, moneyPer1000: dayLong(allCloud) },
      moneyPer1000: dayLong(plan) * (1 - edge.edgeShare),
      atPeak,
    }
  }
}
