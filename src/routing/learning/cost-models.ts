import type { Prediction } from '../../contracts/route.ts'
import type { LinkEstimate } from '../../network/link.ts'
import { clamp } from '../../utils/clamp.ts'
import type { Forecast } from '../../utils/forecast.ts'
import { divide, type LogNormal, logNormal, meanOf, p90Of, sumOf } from '../../utils/log-normal.ts'

/** Times are clamped to between a microsecond and eleven days, and variances bounded, so that no sum overflows. */
const leastMs = 1e-3
const mostMs = 1e9
const mostVariance = 4

/** The time clamped to those bounds; NaN becomes the longest time. */
export const boundedTime = ({ mu, variance }: LogNormal): LogNormal => ({
  mu: Number.isNaN(mu) ? Math.log(mostMs) : clamp(mu, Math.log(leastMs), Math.log(mostMs)),
  variance: Number.isNaN(variance) ? mostVariance : clamp(variance, 0, mostVariance),
})

/** A known time in milliseconds as a list of one, or of none for 0 and NaN. */
const knownTime = (ms: number): LogNormal[] => (ms > 0 ? [logNormal(Math.min(ms, mostMs), 0)] : [])

const transferTime = (bytes: number, bitsPerSecond: LogNormal): LogNormal[] =>
  bytes > 0 ? [divide(Math.min(bytes, 1e15) * 8 * 1000, bitsPerSecond)] : []

const total = ([first, ...rest]: readonly [LogNormal, ...LogNormal[]]) =>
  boundedTime(rest.length === 0 ? first : sumOf([first, ...rest].map(boundedTime)))

/** The remaining steps before a model can run at the edge. */
export interface EdgePreparation {
  /** Bytes of the model and of the runtime that are still to be downloaded. */
  readonly remainingBytes: number
  /** What it takes beside bytes, runs and the load: compiling the runtime, checking and storing; in milliseconds. */
  readonly other?: LogNormal | undefined
  /** Reading, compiling and warming up, in milliseconds. */
  readonly load: LogNormal
}

/**
 * ECS, the edge computing service: completion time of a request on this device.
 *
 *     ECS = f(T, C, B, N) = N · wait + C / speed  [ + bytes / B + other + load,  while the model is not ready ]
 *
 * T, the time the task may take, is compared with the whole distribution when plans are compared (`pair-planner.ts`).
 * `service` stands for C / speed: measured per model and backend, and derived from C (see `predictRunMs`) only before
 * the first run. B is the downlink. N is the number of callers that share this device's worker and link: their runs
 * ahead of this one are `waitMs`.
 *
 * @returns the completion time in milliseconds from now
 */
export function edgeServiceTime(edge: {
  readonly waitMs?: number
  readonly service: LogNormal
  readonly preparation?: (EdgePreparation & { readonly downlink: LogNormal }) | undefined
}): LogNormal {
  const { waitMs = 0, service, preparation } = edge
  const parts: [LogNormal, ...LogNormal[]] = [service, ...knownTime(waitMs)]
  if (preparation !== undefined) {
    const { load, other, remainingBytes, downlink } = preparation
    parts.push(load, ...(other === undefined ? [] : [other]), ...transferTime(remainingBytes, downlink))
  }
  return total(parts)
}

/**
 * CCS, the cloud computing service: time until the endpoint's answer has arrived on this device.
 *
 *     CCS = h(R, C, B, M) = round trip + bytes up / B_up + wait(M) + C / R + bytes back / B_down
 *
 * `service` stands for C / R, the time of one of the endpoint's workers; `waitMs` is the queue in front of its M
 * workers. The endpoint reports both in `Server-Timing`. B and the round trip are `link`; if the uplink is a mixture of
 * two rates, the time is a mixture, too.
 *
 * @returns the completion time in milliseconds from now
 */
export function cloudServiceTime(cloud: {
  readonly requestBytes: number
  readonly responseBytes: number
  readonly link: LinkEstimate
  readonly waitMs?: number
  readonly service: LogNormal
}): Forecast {
  const { requestBytes, responseBytes, link, waitMs = 0, service } = cloud
  const timeWith = (uplink: LogNormal) =>
    total([
      link.roundTrip,
      ...transferTime(requestBytes, uplink),
      ...knownTime(waitMs),
      service,
      ...transferTime(responseBytes, link.downlink),
    ])
  const { otherwise } = link.uplink
  const time = timeWith(link.uplink)
  return otherwise === undefined
    ? time
    : { ...time, otherwise: { chance: otherwise.chance, value: timeWith(otherwise.value) } }
}

/** The prediction as it is shown; undefined for a time whose mean or percentile is no finite number. */
export function toPrediction(time: LogNormal): Prediction | undefined {
  if (!(time.variance >= 0)) return undefined
  const [meanMs, p90Ms] = [meanOf(time), p90Of(time)]
  return Number.isFinite(meanMs) && Number.isFinite(p90Ms) ? { meanMs, p90Ms } : undefined
}
