import { type Forecast, meanOfForecast, p90OfForecast } from '../../utils/forecast.ts'
import type { Accounts, BookedArm } from '../accounts/accounts.ts'
import { toArmRef } from '../arm-ref.ts'
import { boundedTime, toPrediction } from '../learning/cost-models.ts'
import type { ArmPrice, ArmRef } from '../router-types.ts'

/** A run of the request on one arm: its predicted time and cost. */
export interface ArmEstimate extends BookedArm {
  /** Infinite, like `p90Ms`, while there is no prediction. */
  readonly meanMs: number
  /** Money, energy, data and quality, in milliseconds. */
  readonly extraMs: number
}

/** The forecast bounded and calibrated, so that no calculation overflows; undefined when it is invalid. */
function calibrated(raw: Forecast | undefined, { arm }: ArmRef, accounts: Pick<Accounts, 'calibrate'>) {
  if (raw === undefined || toPrediction(raw) === undefined) return undefined
  const time = accounts.calibrate(arm, boundedTime(raw))
  const { otherwise } = raw
  if (otherwise === undefined || !(otherwise.chance > 0 && otherwise.chance <= 1)) return time
  const value = accounts.calibrate(arm, boundedTime(otherwise.value))
  return { ...time, otherwise: { chance: otherwise.chance, value } }
}

export function estimateArm(
  ref: ArmRef,
  option: ArmPrice & { readonly time?: Forecast | undefined },
  accounts: Pick<Accounts, 'calibrate' | 'extraMsOf'>,
  nowMs: number,
): ArmEstimate {
  const time: Forecast | undefined = calibrated(option.time, ref, accounts)
  return {
    ...toArmRef(ref),
    time,
    meanMs: time === undefined ? Number.POSITIVE_INFINITY : meanOfForecast(time),
    p90Ms: time === undefined ? Number.POSITIVE_INFINITY : p90OfForecast(time),
    extraMs: accounts.extraMsOf(option, nowMs),
    price: option,
  }
}
