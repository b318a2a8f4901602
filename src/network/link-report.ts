import type { LinkReport } from '../contracts/measurements.ts'
import type { Forecast } from '../utils/forecast.ts'
import { type LogNormal, middleOf } from '../utils/log-normal.ts'
import { unknownRateVariance } from './rate-estimator.ts'

/** The part of an estimator that is reported. */
interface Estimator {
  readonly samples: number
  readonly uncertainty: number
  estimate(nowMs: number): LogNormal | Forecast
}

/** A rate counts as measured once half of the variance of the prior is gone. */
const measuredBelowVariance = unknownRateVariance / 2

const isMeasured = ({ samples, uncertainty }: Estimator) => samples > 0 && uncertainty < measuredBelowVariance

/** The link as it is shown to people: medians, and the ranges that hold nine in ten. */
export function reportLink(
  link: { readonly roundTrip: Estimator; readonly uplink: Estimator; readonly downlink: Estimator },
  source: { readonly online: boolean; readonly saveData: boolean },
  { nowMs, newestMs }: { readonly nowMs: number; readonly newestMs: number | undefined },
): LinkReport {
  const { roundTrip, uplink, downlink } = link
  const shown = {
    ...(roundTrip.samples > 0 ? { roundTripMs: roundTrip.estimate(nowMs) } : {}),
    ...(isMeasured(uplink) ? { uplinkBitsPerSecond: uplink.estimate(nowMs) } : {}),
    ...(isMeasured(downlink) ? { downlinkBitsPerSecond: downlink.estimate(nowMs) } : {}),
  }
  const each = <T>(show: (estimate: LogNormal) => T) =>
    Object.fromEntries(Object.entries(shown).map(([name, estimate]) => [name, show(estimate)]))
  return {
    online: source.online,
    saveData: source.saveData,
    samples: Math.max(roundTrip.samples, uplink.samples, downlink.samples),
    ...each(({ mu }) => Math.exp(mu)),
    ...(newestMs === undefined ? {} : { likely: each(middleOf) }),
    ...(newestMs === undefined || !Number.isFinite(nowMs) ? {} : { ageMs: Math.max(0, nowMs - newestMs) }),
  }
}
