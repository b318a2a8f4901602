import * as v from 'valibot'
import { object } from '../contracts/object-schemas.ts'
import { createLogFilter, type LogFilter } from '../utils/log-filter.ts'
import type { LogNormal } from '../utils/log-normal.ts'
import { assumedDownlinkBitsPerSecond, unknownRateVariance } from './rate-estimator.ts'

/** Bytes that came from one server in a while during which something was coming from it all the time. */
export interface Transfer {
  /** Where from, as `URL.origin`. */
  readonly origin: string
  /** Over the wire: compressed, without headers where those are not known. */
  readonly bytes: number
  /** From the first byte to the last. */
  readonly ms: number
  /**
   * `download`: bytes of a large file, as they came. `files`: a page's own files, which are small: they are over before a
   * connection is up to speed (slow start), and wait for each other, so they show the least that the link does.
   */
  readonly kind: 'download' | 'files'
}

/** The rate at which files come from one server. */
export interface DownloadRate {
  /** In bits per second. */
  readonly rate: LogNormal
  /** True once a transfer from this very server told it. */
  readonly isMeasured: boolean
}

/** Rates of downloads, learned for each server that files come from. */
export interface DownloadRates {
  /** Learns from a transfer; one too small to say anything is ignored. */
  observe(transfer: Transfer): void
  /**
   * What is known of a server: by its own transfers; else by those of the others, which share this device's link; else
   * what is assumed.
   *
   * @param assumed where nothing was downloaded from anywhere yet; bits per second
   */
  rate(origin: string, assumed?: LogNormal): DownloadRate
  /** The device may be on another network now: widens the estimates. */
  networkChanged(): void
  /** The estimates as plain JSON, to be stored. */
  snapshot(): unknown
  /** Continues from a stored snapshot, less certain for its age. Invalid data is ignored. */
  restore(snapshot: unknown): void
}

/** Fewer bytes arrive in one piece, and say how long a server thinks and not how fast the link is. */
const leastBytes = 8_000
const leastMs = 0.2
/** A transfer of so many bytes, or one that lasts so long, counts in full. */
const [fullBytes, fullMs] = [1_000_000, 1_000]
/**
 * What a page's own files count for, by so many bytes or so long: with less, a hiccup of the browser or packets that
 * arrive in one bunch decide it. And what those that came slower than expected count for.
 */
const filesWeight = 0.15
const [steadyFilesBytes, steadyFilesMs] = [30_000, 60]
const [leastFilesShare, mostFilesShare] = [0.2, 4]
/** What the browser itself takes for a file while it comes. Half of the time is the link's at least. */
const browsersMs = 3
const slowerFilesWeight = 0.005
/** Another server on the same device: its rate is known to within a factor of about two. */
const otherServerVariance = 0.3
const varianceAfterChange = 0.5
/** A new page may be on another network than the stored estimates. */
const extraVarianceAfterRestore = 0.15
const mostServers = 32

const snapshotSchema = object({
  version: v.literal(1),
  servers: v.pipe(v.array(v.tuple([v.pipe(v.string(), v.maxLength(300)), v.unknown()])), v.maxLength(mostServers)),
})

const createFilter = (): LogFilter =>
  createLogFilter({
    prior: { median: assumedDownlinkBitsPerSecond, variance: unknownRateVariance },
    range: [1e3, 1e11],
    noise: 0.06,
    noiseFloorShare: 0.2,
    driftPerSecond: 0.003,
    maxVariance: unknownRateVariance,
    leastGain: 0.15,
    residualLimit: 1.5,
  })

/** @param now milliseconds since the epoch; default `Date.now` */
export function createDownloadRates(now: () => number = Date.now): DownloadRates {
  const servers = new Map<string, LogFilter>()
  /** The server whose transfers were seen last. */
  let newest: LogFilter | undefined

  const filterOf = (origin: string): LogFilter => {
    const filter = servers.get(origin) ?? createFilter()
    servers.delete(origin)
    servers.set(origin, filter)
    for (const oldest of servers.keys()) {
      if (servers.size <= mostServers) break
      servers.delete(oldest)
    }
    newest = filter
    return filter
  }

  return {
    observe({ origin, bytes, ms, kind }) {
      if (!(bytes >= leastBytes && bytes < Number.POSITIVE_INFINITY && ms >= leastMs && ms < 1e9)) return
      const nowMs = now()
      const filter = filterOf(origin)
      const bitsPerSecond = (bytes * 8_000) / (kind === 'files' ? Math.max(ms / 2, ms - browsersMs) : ms)
      const weightOf = () => {
        if (kind === 'download') return Math.min(1, Math.max(bytes / fullBytes, ms / fullMs))
        const isSlower = filter.samples > 0 && Math.log(bitsPerSecond) < filter.estimate(nowMs).mu
        return isSlower
          ? slowerFilesWeight
          : filesWeight *
              Math.min(mostFilesShare, Math.max(leastFilesShare, bytes / steadyFilesBytes, ms / steadyFilesMs))
      }
      filter.observe(bitsPerSecond, nowMs, weightOf())
    },
    rate(origin, assumed) {
      const nowMs = now()
      const own = servers.get(origin)
      if (own !== undefined && own.samples > 0) return { rate: own.estimate(nowMs), isMeasured: true }
      if (newest !== undefined && newest.samples > 0) {
        const { mu, variance } = newest.estimate(nowMs)
        return {
          rate: { mu, variance: Math.min(unknownRateVariance, variance + otherServerVariance) },
          isMeasured: false,
        }
      }
      const nothing = { mu: Math.log(assumedDownlinkBitsPerSecond), variance: unknownRateVariance }
      return { rate: assumed ?? nothing, isMeasured: false }
    },
    networkChanged() {
      for (const filter of servers.values()) filter.widen(varianceAfterChange)
    },
    snapshot: () => ({
      version: 1,
      servers: [...servers].flatMap(([origin, filter]) => {
        const snapshot = filter.snapshot()
        return snapshot === undefined ? [] : [[origin, snapshot]]
      }),
    }),
    restore(snapshot) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (!parsed.success) return
      for (const [origin, stored] of parsed.output.servers) {
        const filter = createFilter()
        // What this page has seen already is newer than what an earlier visit stored.
        if ((servers.get(origin)?.samples ?? 0) > 0) continue
        if (!filter.restore(stored, now(), extraVarianceAfterRestore)) continue
        servers.set(origin, filter)
        newest ??= filter
      }
    },
  }
}
