import type { Forecast } from '../../utils/forecast.ts'
import type { LogNormal } from '../../utils/log-normal.ts'
import { boundedTime, toPrediction } from '../learning/cost-models.ts'
import type { ArmPrice, ArmRef } from '../router-types.ts'

/** An arm that can take the request, with what it is predicted to cost. */
export interface Candidate extends ArmRef {
  readonly time: Forecast | undefined
  readonly meanMs: number
  readonly p90Ms: number
  /** Money, energy, data and quality, in milliseconds. */
  readonly extraMs: number
  readonly price: ArmPrice
}

/** What an arm goes by where it is remembered. */
export const keyOf = ({ arm, endpoint }: ArmRef) => (arm === 'edge' ? 'edge' : `cloud ${endpoint ?? ''}`)
export const refOf = ({ arm, endpoint }: ArmRef): ArmRef => (endpoint === undefined ? { arm } : { arm, endpoint })

/** What of a forecast can be calculated with, calibrated; undefined when it is none. */
export function saneForecast(
  raw: Forecast | undefined,
  calibrate: (time: LogNormal) => LogNormal,
): Forecast | undefined {
  if (raw === undefined || toPrediction(raw) === undefined) return undefined
  const time = calibrate(boundedTime(raw))
  const { otherwise } = raw
  if (otherwise === undefined || !(otherwise.chance > 0 && otherwise.chance <= 1)) return time
  return { ...time, otherwise: { chance: otherwise.chance, value: calibrate(boundedTime(otherwise.value)) } }
}
