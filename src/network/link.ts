import * as v from 'valibot'
import type { LinkReport } from '../contracts/measurements.ts'
import { object } from '../contracts/object-schemas.ts'
import { asOneLogNormal, type Forecast } from '../utils/forecast.ts'
import { divide, type LogNormal } from '../utils/log-normal.ts'
import type { ConnectionInfo } from './connection-info.ts'
import { reportLink } from './link-report.ts'
import {
  assumedDownlinkBitsPerSecond,
  assumedUplinkBitsPerSecond,
  createRateEstimator,
  unknownRateVariance,
} from './rate-estimator.ts'
import { createRateFilter } from './rate-filter.ts'
import { createRoundTripEstimator } from './round-trip-estimator.ts'
import { splitNetworkTime } from './split-network-time.ts'

/** Prediction for the next request: round trip in milliseconds, rates in bits per second. */
export interface LinkEstimate {
  readonly roundTrip: LogNormal
  /** The last rate or, if the link has changed since, its usual rate. */
  readonly uplink: Forecast
  readonly downlink: LogNormal
}

/** Measurements of one answered request. */
export interface RequestTiming {
  /** Bytes that went up: the body, and headers where known. */
  readonly requestBytes: number
  readonly responseBytes: number
  /** From sending the request to having read its answer. */
  readonly totalMs: number
  /** The endpoint's share of it, from `Server-Timing`; left out where it sends none. */
  readonly serverMs?: number | undefined
  /** The connection's set-up inside `totalMs`, where the browser reports it (Resource Timing). */
  readonly connectMs?: number | undefined
}

/** Where a request's time went, as far as the link's estimates can tell. */
export interface NetworkSplit {
  readonly roundTripMs: number
  readonly uploadMs: number
  readonly downloadMs: number
  /** Measured, or what the estimated network leaves of the total. */
  readonly serverMs: number
}

/** The link to one endpoint, measured. */
export interface Link {
  /**
   * Learns from an answered request, and splits its time; undefined for an invalid timing. Without `serverMs` the
   * endpoint could be the slow part, so then only a request faster than expected teaches the link.
   */
  observeRequest(timing: RequestTiming): NetworkSplit | undefined
  /**
   * Learns from a request that was given up before its answer came (a censored sample: more than `elapsedMs`). Ignored
   * while that is less than predicted.
   */
  observeAtLeast(timing: { readonly requestBytes: number; readonly elapsedMs: number }): void
  /** Learns from a request with hardly any bytes that the endpoint answers at once. */
  observePing(ms: number): void
  /** The device may be on another network now: widens the estimates. */
  networkChanged(): void
  estimate(nowMs?: number): LinkEstimate
  /** True when nothing was measured in the last minute, or not since the page started. */
  isStale(nowMs?: number): boolean
  report(nowMs?: number): LinkReport
  /** The estimates as plain JSON, to be stored. */
  snapshot(): unknown
  /** Continues from a stored snapshot, less certain for its age. Invalid data is ignored. */
  restore(snapshot: unknown): void
}

const staleAfterMs = 60_000
const varianceAfterChange = 0.25
/** A rate this many times the estimate, or a round trip this many times shorter, proves the estimate wrong. */
const wrongBy = 2
const varianceWhenWrong = 1
/** A new page may be on another network than the stored estimates. */
const extraVarianceAfterRestore = 0.15
/** The first request on a link may include the connection's set-up, which not every browser reports. */
const firstRequestWeight = 0.5
const leastNetworkMs = 0.05
/** A censored sample counts as this many times its elapsed time, with this weight. */
const beyondCensored = 1.3
const censoredWeight = 0.5
/** Less for the round trip, which pings measure, too. Tuned on recordings, and so that it recovers. */
const censoredTripWeight = 0.35

const snapshotSchema = object({
  version: v.literal(1),
  roundTrip: v.optional(v.unknown()),
  uplink: v.optional(v.unknown()),
  downlink: v.optional(v.unknown()),
})

const positive = (value: number | undefined): value is number =>
  value !== undefined && value > 0 && value < Number.POSITIVE_INFINITY
/** Bounded, so that no time computed from it overflows. */
const countOf = (bytes: number) => (positive(bytes) ? Math.min(bytes, 1e15) : 0)

/**
 * Teaches a rate from one transfer. If all of the network's time had been the transfer, the rate would be the lowest
 * possible; when even that is far above the estimate, the link has recovered, and it counts in full.
 */
function observeRate(
  estimator: Pick<ReturnType<typeof createRateEstimator>, 'observe'>,
  { mu }: LogNormal,
  seen: {
    readonly bits: number
    readonly ms: number
    readonly networkMs: number
    readonly weight: number
    readonly nowMs: number
  },
): void {
  const leastRate = (seen.bits / seen.networkMs) * 1000
  if (leastRate > wrongBy * Math.exp(mu)) estimator.observe(leastRate, seen.nowMs)
  estimator.observe((seen.bits / seen.ms) * 1000, seen.nowMs, seen.weight)
}

/** Splits a request's time by what was predicted of it; undefined for an invalid timing. */
function splitTiming(timing: RequestTiming, link: LinkEstimate) {
  const { requestBytes, responseBytes, totalMs, serverMs, connectMs } = timing
  const connectKnown = positive(connectMs) && connectMs < totalMs
  const wholeMs = totalMs - (connectKnown ? connectMs : 0)
  if (!positive(wholeMs)) return undefined
  const upBits = countOf(requestBytes) * 8
  const downBits = countOf(responseBytes) * 8
  const predicted = [link.roundTrip]
  if (upBits > 0) predicted.push(divide(upBits * 1000, asOneLogNormal(link.uplink)))
  if (downBits > 0) predicted.push(divide(downBits * 1000, link.downlink))
  const predictedMs = predicted.reduce((sum, { mu }) => sum + Math.exp(mu), 0)

  const serverKnown = serverMs !== undefined && serverMs >= 0 && serverMs <= wholeMs
  const networkMs = Math.max(leastNetworkMs, serverKnown ? wholeMs - serverMs : Math.min(wholeMs, predictedMs))
  const [tripMs = 0, ...transfers] = splitNetworkTime(networkMs, predicted)
  return {
    networkMs,
    tripMs,
    up: { bits: upBits, ms: upBits > 0 ? (transfers.shift() ?? 0) : 0 },
    down: { bits: downBits, ms: downBits > 0 ? (transfers.shift() ?? 0) : 0 },
    serverMs: serverKnown ? serverMs : Math.max(0, wholeMs - networkMs),
    connectKnown,
    /** Without `serverMs`, only a request faster than predicted says something of the link. */
    teaches: serverKnown || wholeMs < predictedMs,
  }
}

/**
 * Measures the link from the requests that cross it.
 *
 * @param options.now milliseconds since the epoch; default `Date.now`
 * @param options.connection `navigator.connection`, to start from
 * @param options.onlineSource for the report: whether the device is online and saves data
 */
export function createLink(
  options: {
    readonly now?: () => number
    readonly connection?: ConnectionInfo | undefined
    readonly onlineSource?: { readonly online: boolean; readonly saveData: boolean }
  } = {},
): Link {
  const { now = Date.now, connection, onlineSource = { online: true, saveData: false } } = options
  const hintedDownlink = positive(connection?.downlink) ? connection.downlink * 1e6 : undefined
  const roundTrip = createRoundTripEstimator(connection?.rtt)
  const uplink = createRateFilter(
    hintedDownlink === undefined ? assumedUplinkBitsPerSecond : 0.3 * hintedDownlink,
    unknownRateVariance,
  )
  const downlink = createRateEstimator(hintedDownlink ?? assumedDownlinkBitsPerSecond)
  const all = { roundTrip, uplink, downlink }

  let measuredHere = false
  let connectionIsFresh = true

  const estimate = (nowMs = now()): LinkEstimate => ({
    roundTrip: roundTrip.estimate(nowMs),
    uplink: uplink.estimate(nowMs),
    downlink: downlink.estimate(nowMs),
  })
  const newestMs = () => {
    const times = Object.values(all).flatMap(({ observedAtMs }) => (observedAtMs === undefined ? [] : [observedAtMs]))
    return times.length === 0 ? undefined : Math.max(...times)
  }

  return {
    observeRequest(timing) {
      const nowMs = now()
      const link = estimate(nowMs)
      const split = splitTiming(timing, link)
      if (split === undefined) return undefined
      const { networkMs, tripMs, up, down } = split
      if (split.teaches) {
        const trust = connectionIsFresh && !split.connectKnown ? firstRequestWeight : 1
        // The smaller a part's share of the total, the larger its relative error: the variance goes by 1 / share².
        const weightOf = (ms: number) => trust * (ms / networkMs) ** 2
        // The whole took far less than the estimated round trip, so that estimate is wrong.
        if (networkMs < Math.exp(link.roundTrip.mu) / wrongBy) roundTrip.widen(varianceWhenWrong)
        roundTrip.observe(tripMs, nowMs, weightOf(tripMs))
        observeRate(uplink, link.uplink, { ...up, networkMs, weight: weightOf(up.ms), nowMs })
        observeRate(downlink, link.downlink, { ...down, networkMs, weight: weightOf(down.ms), nowMs })
        measuredHere = true
        connectionIsFresh = false
      }
      return { roundTripMs: tripMs, uploadMs: up.ms, downloadMs: down.ms, serverMs: split.serverMs }
    },
    observeAtLeast({ requestBytes, elapsedMs }) {
      const nowMs = now()
      const upBits = countOf(requestBytes) * 8
      if (!positive(elapsedMs) || upBits === 0) return
      const link = estimate(nowMs)
      const { mu, variance, otherwise } = link.uplink
      // A late answer makes a change of the uplink likelier, so the uplink takes most of the excess.
      const changed = { mu, variance: Math.max(variance, otherwise?.value.variance ?? 0) }
      const predicted = [link.roundTrip, divide(upBits * 1000, changed)]
      const predictedMs = predicted.reduce((sum, { mu }) => sum + Math.exp(mu), 0)
      if (elapsedMs <= predictedMs) return
      const [tripMs = 0, uploadMs = 0] = splitNetworkTime(elapsedMs * beyondCensored, predicted)
      // The endpoint may have been the slow part, so the weight is half of an answer's.
      const share = uploadMs / (tripMs + uploadMs)
      roundTrip.observe(tripMs, nowMs, censoredTripWeight * (1 - share) ** 2)
      uplink.observe((upBits / uploadMs) * 1000, nowMs, censoredWeight * share ** 2)
      measuredHere = true
    },
    observePing(ms) {
      if (roundTrip.observe(ms, now(), connectionIsFresh ? firstRequestWeight : 1)) {
        measuredHere = true
        connectionIsFresh = false
      }
    },
    networkChanged() {
      for (const estimator of Object.values(all)) estimator.widen(varianceAfterChange)
      connectionIsFresh = true
      measuredHere = false
    },
    estimate,
    isStale(nowMs = now()) {
      const newest = newestMs()
      return !measuredHere || newest === undefined || !(nowMs - newest <= staleAfterMs)
    },
    report: (nowMs = now()) => reportLink(all, onlineSource, { nowMs, newestMs: newestMs() }),
    snapshot: () => ({
      version: 1,
      roundTrip: roundTrip.snapshot(),
      uplink: uplink.snapshot(),
      downlink: downlink.snapshot(),
    }),
    restore(snapshot) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (!parsed.success) return
      const nowMs = now()
      roundTrip.restore(parsed.output.roundTrip, nowMs, extraVarianceAfterRestore)
      uplink.restore(parsed.output.uplink, nowMs, extraVarianceAfterRestore)
      downlink.restore(parsed.output.downlink, nowMs, extraVarianceAfterRestore)
      measuredHere = false
    },
  }
}
