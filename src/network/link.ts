import * as v from 'valibot'
import type { LinkReport } from '../contracts/measurements.ts'
import { asOneLogNormal, type Forecast } from '../utils/forecast.ts'
import { divide, type LogNormal, middleOf } from '../utils/log-normal.ts'
import type { ConnectionInfo } from './connection-info.ts'
import {
  assumedDownlinkBitsPerSecond,
  assumedUplinkBitsPerSecond,
  createRateEstimator,
  unknownRateVariance,
} from './rate-estimator.ts'
import { createRateFilter } from './rate-filter.ts'
import { createRoundTripEstimator } from './round-trip-estimator.ts'
import { splitNetworkTime } from './split-network-time.ts'

/** What the next request will find: round trip in milliseconds, rates in bits per second. */
export interface LinkEstimate {
  readonly roundTrip: LogNormal
  /** As it was last, or, should the link have changed, as it usually is. */
  readonly uplink: Forecast
  readonly downlink: LogNormal
}

/** What was measured of one answered request. */
export interface RequestTiming {
  /** Bytes that went up: the body, and headers where known. */
  readonly requestBytes: number
  readonly responseBytes: number
  /** From sending the request to having read its answer. */
  readonly totalMs: number
  /** The endpoint's own share of it, from `Server-Timing`; left out where it sends none. */
  readonly serverMs?: number | undefined
  /** The connection's set-up inside `totalMs`, where the browser tells it (Resource Timing). */
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
   * Learns from an answered request and says where its time went; undefined for a timing that makes no sense. Without
   * `serverMs` slowness could be the endpoint's, so then only a request faster than expected teaches the link.
   */
  observeRequest(timing: RequestTiming): NetworkSplit | undefined
  /**
   * Learns from a request that was given up before its answer came: it would have taken more than `elapsedMs`. Teaches
   * nothing while that is no longer than was expected anyway.
   */
  observeAtLeast(timing: { readonly requestBytes: number; readonly elapsedMs: number }): void
  /** Learns from a request that carries next to nothing and that the endpoint answers at once. */
  observePing(ms: number): void
  /** The device may be on another network now: what was measured holds less. */
  networkChanged(): void
  estimate(nowMs?: number): LinkEstimate
  /** True when nothing was measured in the last minute, or not since the page started. */
  isStale(nowMs?: number): boolean
  report(nowMs?: number): LinkReport
  /** What is worth storing, as plain JSON. */
  snapshot(): unknown
  /** Continues from a stored snapshot, less certain for its age. Anything else is ignored. */
  restore(snapshot: unknown): void
}

const staleAfterMs = 60_000
const varianceAfterChange = 0.25
/** A transfer that shows a rate this many times the estimate, or a round trip so much shorter, shows that it was wrong. */
const wrongBy = 2
const varianceWhenWrong = 1
/** A new page may be on another network than the one that was stored. */
const extraVarianceAfterRestore = 0.15
/** A rate counts as measured once half of the first doubt is gone. */
const measuredBelowVariance = unknownRateVariance / 2
/** The first request on a link may hold the connection's set-up, which not every browser tells. */
const firstRequestWeight = 0.5
const leastNetworkMs = 0.05
/** A request that was given up is taken to have needed this many times as long, and counts for this much. */
const beyondCensored = 1.3
const censoredWeight = 0.5
/** Less of it to the round trip, which is measured by pings, too: tuned on recordings, and so that it recovers. */
const censoredTripWeight = 0.35

const snapshotSchema = v.object({
  version: v.literal(1),
  roundTrip: v.optional(v.unknown()),
  uplink: v.optional(v.unknown()),
  downlink: v.optional(v.unknown()),
})

const positive = (value: number | undefined): value is number =>
  value !== undefined && value > 0 && value < Number.POSITIVE_INFINITY
/** Bounded, so that no time made of it overflows. */
const countOf = (bytes: number) => (positive(bytes) ? Math.min(bytes, 1e15) : 0)

/**
 * Teaches a rate what a transfer showed. However small its share of the time was: the rate is no smaller than if the
 * transfer had taken all of it. Where that is far more than was thought, the link has recovered.
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

/**
 * Measures the link from the requests themselves.
 *
 * @param options.now milliseconds since the epoch; default `Date.now`
 * @param options.connection `navigator.connection`, to start from
 * @param options.onlineSource says for the report whether the device is online and saves data
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
    observeRequest({ requestBytes, responseBytes, totalMs, serverMs, connectMs }) {
      const nowMs = now()
      const connectKnown = positive(connectMs) && connectMs < totalMs
      const wholeMs = totalMs - (connectKnown ? connectMs : 0)
      if (!positive(wholeMs)) return undefined
      const upBits = countOf(requestBytes) * 8
      const downBits = countOf(responseBytes) * 8
      const link = estimate(nowMs)
      const predicted = [link.roundTrip]
      if (upBits > 0) predicted.push(divide(upBits * 1000, asOneLogNormal(link.uplink)))
      if (downBits > 0) predicted.push(divide(downBits * 1000, link.downlink))
      const predictedMs = predicted.reduce((sum, { mu }) => sum + Math.exp(mu), 0)

      const serverKnown = serverMs !== undefined && serverMs >= 0 && serverMs <= wholeMs
      const networkMs = Math.max(leastNetworkMs, serverKnown ? wholeMs - serverMs : Math.min(wholeMs, predictedMs))
      const [tripMs = 0, ...transfers] = splitNetworkTime(networkMs, predicted)
      const uploadMs = upBits > 0 ? (transfers.shift() ?? 0) : 0
      const downloadMs = downBits > 0 ? (transfers.shift() ?? 0) : 0

      if (serverKnown || wholeMs < predictedMs) {
        const trust = connectionIsFresh && !connectKnown ? firstRequestWeight : 1
        // An error of the total weighs the more on a part, the smaller the part is: its variance goes by 1 / share².
        const weightOf = (ms: number) => trust * (ms / networkMs) ** 2
        // The whole took less than the round trip was thought to: that was wrong, and nothing else explains it.
        if (networkMs < Math.exp(link.roundTrip.mu) / wrongBy) roundTrip.widen(varianceWhenWrong)
        roundTrip.observe(tripMs, nowMs, weightOf(tripMs))
        observeRate(uplink, link.uplink, { bits: upBits, ms: uploadMs, networkMs, weight: weightOf(uploadMs), nowMs })
        observeRate(downlink, link.downlink, {
          bits: downBits,
          ms: downloadMs,
          networkMs,
          weight: weightOf(downloadMs),
          nowMs,
        })
        measuredHere = true
        connectionIsFresh = false
      }
      return {
        roundTripMs: tripMs,
        uploadMs,
        downloadMs,
        serverMs: serverKnown ? serverMs : Math.max(0, wholeMs - networkMs),
      }
    },
    observeAtLeast({ requestBytes, elapsedMs }) {
      const nowMs = now()
      const upBits = countOf(requestBytes) * 8
      if (!positive(elapsedMs) || upBits === 0) return
      const link = estimate(nowMs)
      const { mu, variance, otherwise } = link.uplink
      // Later than expected, it is the likelier that the way up has changed: that takes most of what is missing.
      const changed = { mu, variance: Math.max(variance, otherwise?.value.variance ?? 0) }
      const predicted = [link.roundTrip, divide(upBits * 1000, changed)]
      const predictedMs = predicted.reduce((sum, { mu }) => sum + Math.exp(mu), 0)
      if (elapsedMs <= predictedMs) return
      const [tripMs = 0, uploadMs = 0] = splitNetworkTime(elapsedMs * beyondCensored, predicted)
      // The endpoint may have been the slow one: half of what an answer would teach.
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
    report(nowMs = now()) {
      const newest = newestMs()
      const rateOf = (estimator: Pick<typeof downlink, 'samples' | 'uncertainty' | 'estimate'>) =>
        estimator.samples > 0 && estimator.uncertainty < measuredBelowVariance
          ? Math.exp(estimator.estimate(nowMs).mu)
          : undefined
      const uplinkRate = rateOf(uplink)
      const downlinkRate = rateOf(downlink)
      const spread = estimate(nowMs)
      return {
        online: onlineSource.online,
        saveData: onlineSource.saveData,
        samples: Math.max(roundTrip.samples, uplink.samples, downlink.samples),
        ...(roundTrip.samples > 0 ? { roundTripMs: Math.exp(roundTrip.estimate(nowMs).mu) } : {}),
        ...(uplinkRate === undefined ? {} : { uplinkBitsPerSecond: uplinkRate }),
        ...(downlinkRate === undefined ? {} : { downlinkBitsPerSecond: downlinkRate }),
        ...(newest === undefined
          ? {}
          : {
              likely: {
                ...(roundTrip.samples > 0 ? { roundTripMs: middleOf(spread.roundTrip) } : {}),
                ...(uplinkRate === undefined ? {} : { uplinkBitsPerSecond: middleOf(spread.uplink) }),
                ...(downlinkRate === undefined ? {} : { downlinkBitsPerSecond: middleOf(spread.downlink) }),
              },
            }),
        ...(newest === undefined || !Number.isFinite(nowMs) ? {} : { ageMs: Math.max(0, nowMs - newest) }),
      }
    },
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
