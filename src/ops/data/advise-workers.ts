import type { OpsOverview } from '../../contracts/ops.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { type CloudPlatformPlan, cloudPlatformPlan } from '../../routing/fleet/cloud-platform-plan.ts'

/** How many workers meet a goal, or why that can't be said. */
export type Advice = { readonly plan: CloudPlatformPlan } | { readonly problem: 'no-load' | 'too-slow' }

/** Two equal times leave no spread, and the plan wants one. */
const leastVariance = 0.01

/**
 * The cloud platform's plan (CCP) for what was reported: its busiest hour, times `factor`, and its times of one run.
 *
 * @param p95Ms time in which 95 in 100 requests shall leave the endpoint
 */
export function adviseWorkers(load: OpsOverview['load'], p95Ms: number, factor = 1): Advice {
  const { peakPerSecond, serviceMeanMs, serviceSquareMs } = load
  if (!(peakPerSecond > 0) || serviceMeanMs === null || serviceSquareMs === null || !(serviceMeanMs > 0)) {
    return { problem: 'no-load' }
  }
  // A log-normal of this mean and mean square.
  const variance = Math.max(leastVariance, Math.log(serviceSquareMs / serviceMeanMs ** 2))
  const service = { mu: Math.log(serviceMeanMs) - variance / 2, variance }
  const requestsPerSecond = peakPerSecond * factor
  try {
    const prices = { workerHour: 0, gigabyte: 0 }
    return { plan: cloudPlatformPlan({ requestsPerSecond, service, p95Ms, bytes: 0, prices }) }
  } catch (error) {
    if (isHitherError(error)) return { problem: 'too-slow' }
    throw error
  }
}
