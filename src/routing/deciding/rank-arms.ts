import type { Accounts } from '../accounts/accounts.ts'
import type { CloudOption, Predictions, RouterSnapshot } from '../router-types.ts'
import { type ArmEstimate, estimateArm } from './arm-estimate.ts'

/** The arms of a request with their estimates. */
export interface RankedArms {
  readonly edge: ArmEstimate
  /** Every endpoint, in the snapshot's order. */
  readonly clouds: readonly ArmEstimate[]
  /** Endpoints that have the model and whose breakers allow requests. */
  readonly usable: readonly ArmEstimate[]
  /** The usable endpoints, or all of them when none is usable: the cheapest first. */
  readonly ranked: readonly ArmEstimate[]
  /** The first of those, and its entry in the snapshot. */
  readonly cloud: ArmEstimate | undefined
  readonly cloudOption: CloudOption | undefined
  readonly predicted: Predictions
}

const costOf = ({ meanMs, extraMs }: ArmEstimate) => meanMs + extraMs

export function rankArms(snapshot: RouterSnapshot, accounts: Accounts, nowMs: number): RankedArms {
  const edge = estimateArm({ arm: 'edge' }, snapshot.edge, accounts, nowMs)
  const clouds = snapshot.clouds.map((option) =>
    estimateArm({ arm: 'cloud', endpoint: option.endpoint }, option, accounts, nowMs),
  )
  const usable = clouds.filter(
    (cloud, index) => snapshot.clouds[index]?.hasModel !== false && accounts.allows(cloud, nowMs),
  )
  const ranked = (usable.length > 0 ? usable : clouds).slice().sort((a, b) => costOf(a) - costOf(b))
  const cloud = ranked[0]
  const cloudOption = cloud && snapshot.clouds.find(({ endpoint }) => endpoint === cloud.endpoint)
  const predicted = {
    ...(edge.time === undefined ? {} : { edge: { meanMs: edge.meanMs, p90Ms: edge.p90Ms } }),
    // An endpoint without the model answers nothing, so it has no predicted time.
    ...(cloud?.time === undefined || cloudOption?.hasModel === false
      ? {}
      : { cloud: { meanMs: cloud.meanMs, p90Ms: cloud.p90Ms } }),
  }
  return { edge, clouds, usable, ranked, cloud, cloudOption, predicted }
}
