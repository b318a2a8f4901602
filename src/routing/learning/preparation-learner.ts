import * as v from 'valibot'
import { object } from '../../contracts/object-schemas.ts'
import { createLogFilter } from '../../utils/log-filter.ts'
import { divide, type LogNormal, meanOf, sumOf } from '../../utils/log-normal.ts'
import { remainingTime } from '../../utils/remaining-time.ts'

/** A rate of downloads, in bits per second, and whether it was measured from the server in question. */
export interface KnownRate {
  readonly rate: LogNormal
  readonly isMeasured: boolean
}

/** A runtime that was fetched and compiled. */
export interface RuntimeObservation {
  readonly flavor: string
  /** All of it, in milliseconds. */
  readonly tookMs: number
  /** Of that, the time in which its files came over the network, and their bytes as they were sent; 0 from a cache. */
  readonly downloadMs: number
  readonly bytes: number
  /** The files' server; undefined where the browser does not say. */
  readonly origin?: string | undefined
}

/** Where a model that is not ready stands. */
export interface PreparationRequest {
  /** Bytes of its files in all, and those that are still to be fetched. */
  readonly totalBytes: number
  readonly remainingBytes: number
  /** What a run is predicted to take, in milliseconds. */
  readonly runMs: number
  /** Milliseconds since its stored files began to be loaded; 0 before. */
  readonly loadingForMs: number
  /** The runtimes that it has to wait for; one that `comesFirst` before its download begins, the others beside it. */
  readonly runtimes: readonly {
    readonly flavor: string
    readonly isOpen: boolean
    readonly openingForMs?: number | undefined
    /** Milliseconds since its file was here; absent before. */
    readonly fetchedForMs?: number | undefined
    readonly comesFirst: boolean
  }[]
  /** The servers of its files with the bytes of each, as `URL.origin`; empty where that is not known. */
  readonly sources: readonly { readonly origin: string; readonly bytes: number }[]
  /** @param origin undefined: a server that is not known */
  readonly rate: (origin: string | undefined) => KnownRate
}

/** What is left before a model can run. */
export interface Preparation {
  /** Bytes that still come over `downlink`, those of a runtime from the same server among them. */
  readonly remainingBytes: number
  readonly downlink: LogNormal
  /** Fetching and compiling the runtime, and what a download takes beside its bytes. */
  readonly other: LogNormal | undefined
  /** Reading, creating the session and warming up, of a model that was never loaded here; and how long that has been under way. */
  readonly load: LogNormal
  readonly loadingForMs: number
  /** A transfer from the files' server has shown its rate. */
  readonly isRateMeasured: boolean
  /** Every part of it was measured on this device. */
  readonly isMeasured: boolean
}

/** Learned times of making models ready on this device, except those of each model's own loads. */
export interface PreparationLearner {
  observeRuntime(runtime: RuntimeObservation): void
  /** A model's files were fetched, checked and stored. @param rate of their server, bits per second */
  observeInstall(install: { readonly bytes: number; readonly ms: number; readonly rate: LogNormal }): void
  /** A model was read, created and warmed up. */
  observeLoad(load: { readonly totalBytes: number; readonly runMs: number; readonly ms: number }): void
  prepare(request: PreparationRequest): Preparation
  /** The estimates as plain JSON, to be stored. */
  snapshot(): unknown
  /** Continues from a stored snapshot, less certain for its age. Invalid data is ignored. */
  restore(snapshot: unknown): void
}

/** Compressed bytes of onnxruntime-web's builds, until this device has fetched one. */
const assumedRuntimeBytes: Readonly<Record<string, number>> = { wasm: 2.75e6, jspi: 3.1e6, asyncify: 4.75e6 }
/** Compiling a runtime and measuring the device in it, on a laptop. */
const assumedOpenMs = 600
/** The share of that which comes after the runtime's file: before it, its worker and scripts are started. */
const compileShare = 0.4
/** What a download takes beside its bytes, on a laptop: asking for it, checking it and storing it. */
const install = { fixedMs: 42, msPerByte: 10e-6 }
/** Once bytes arrive, this share of that is still to come: checking, and writing the record. */
const installEndShare = 0.7
const assumedVariance = 0.3
/**
 * A load by the model's bytes and by the runs of its warm-up: a first one that compiles, and up to three that are timed.
 * On a laptop.
 */
const load = { fixedMs: 60, msPerByte: 18e-6, firstRun: 2, timedRuns: 3, timedMs: 60 }
/** A runtime's compilation says something of how fast loads are; its share in what is known of that. */
const runtimeWeight = 0.3
/** Models differ in how well that fits them. */
const loadNoise = 0.2
const extraVarianceAfterRestore = 0.05
const mostRuntimes = 8
/** Fewer bytes are no runtime: its file came from a cache, or the server hides its size. */
const leastRuntimeBytes = 100_000

const timeFilter = (median: number, noise = 0.1) =>
  createLogFilter({
    prior: { median, variance: assumedVariance },
    range: [1e-2, 6e5],
    noise,
    noiseFloorShare: 0.3,
    driftPerSecond: 0.0003,
    maxVariance: 1,
    leastGain: 0.25,
    residualLimit: 1.2,
  })

const runtimeSchema = object({
  bytes: v.pipe(v.number(), v.minValue(0), v.maxValue(1e10)),
  isKept: v.boolean(),
  origin: v.optional(v.pipe(v.string(), v.maxLength(300))),
})
type Runtime = v.InferOutput<typeof runtimeSchema>
const snapshotSchema = object({
  version: v.literal(2),
  open: v.optional(v.unknown()),
  install: v.optional(v.unknown()),
  load: v.optional(v.unknown()),
  runtimes: v.pipe(v.array(v.tuple([v.pipe(v.string(), v.maxLength(40)), runtimeSchema])), v.maxLength(mostRuntimes)),
})

/** What a load is assumed to take, in milliseconds, before what is learned of this device. */
const assumedLoadMs = (about: { readonly totalBytes: number; readonly runMs: number }) => {
  const [bytes, runMs] = [Math.max(0, about.totalBytes), Math.max(0, about.runMs)]
  const timedRuns = Math.min(load.timedRuns, Math.max(1, load.timedMs / runMs))
  return load.fixedMs + load.msPerByte * bytes + (load.firstRun + timedRuns) * runMs
}

const assumedInstallMs = (bytes: number) => install.fixedMs + install.msPerByte * Math.max(0, bytes)

const downloadTime = (bytes: number, rate: LogNormal) => divide(Math.max(1, bytes) * 8_000, rate)
const isTime = (ms: number) => ms >= 0 && ms < Number.POSITIVE_INFINITY

/** @param options.now milliseconds since the epoch; default `Date.now` */
export function createPreparationLearner(options: { readonly now?: () => number } = {}): PreparationLearner {
  const { now = Date.now } = options
  const open = timeFilter(assumedOpenMs)
  /** How downloads go on this device beside their bytes, as a factor on what is assumed of them. */
  const installFactor = timeFilter(1)
  /** How loads go on this device, as a factor on what is assumed of them. */
  const loadFactor = timeFilter(1, loadNoise)
  const filters = { open, install: installFactor, load: loadFactor }
  /** The runtimes that this device has fetched. */
  const seen = new Map<string, Runtime>()

  /** Bytes that a runtime is expected to take from its server: none once the browser has kept it. */
  const expectedBytes = (flavor: string): number => {
    const known = seen.get(flavor)
    if (known === undefined) return assumedRuntimeBytes[flavor] ?? 3e6
    return known.isKept ? 0 : known.bytes
  }

  /** The rate of all sources together: their bytes, one server after the other. */
  const rateOf = ({ sources, rate }: PreparationRequest): KnownRate => {
    const [only, ...others] = sources
    if (others.length === 0) return rate(only?.origin)
    const rates = sources.map(({ origin, bytes }) => ({ bytes, ...rate(origin) }))
    const bits = rates.reduce((sum, { bytes }) => sum + Math.max(1, bytes) * 8_000, 0)
    const time = sumOf(rates.map(({ bytes, rate: own }) => downloadTime(bytes, own)))
    return { rate: divide(bits, time), isMeasured: rates.every(({ isMeasured }) => isMeasured) }
  }

  /** What is left of a runtime: bytes still to come, and the time beside them. */
  const runtimeLeft = (runtime: PreparationRequest['runtimes'][number], rate: LogNormal) => {
    const compile = open.estimate(now())
    const bytes = expectedBytes(runtime.flavor)
    const { openingForMs = 0, fetchedForMs } = runtime
    const shareOf = (share: number) => ({ mu: compile.mu + Math.log(share), variance: compile.variance })
    if (fetchedForMs !== undefined) return { bytes: 0, time: remainingTime(shareOf(compileShare), fetchedForMs) }
    // One after the other: its scripts, its file, and what is done with that.
    const scriptsMs = (1 - compileShare) * Math.exp(compile.mu)
    const downloadMs = (bytes * 8_000) / Math.exp(rate.mu)
    const fileForMs = Math.max(0, openingForMs - scriptsMs)
    const left = compileShare + (1 - compileShare) * Math.max(0, 1 - openingForMs / scriptsMs)
    const bytesLeft = downloadMs > 0 ? bytes * Math.max(0, 1 - fileForMs / downloadMs) : 0
    return { bytes: bytesLeft, time: remainingTime(shareOf(left), fileForMs - downloadMs) }
  }

  return {
    observeRuntime({ flavor, tookMs, downloadMs, bytes, origin }) {
      if (!(tookMs > 0 && isTime(tookMs) && isTime(downloadMs) && isTime(bytes))) return
      const beside = Math.max(0.02 * tookMs, tookMs - downloadMs)
      const ratio = beside / Math.exp(open.estimate(now()).mu)
      if (open.samples === 0 && beside > 0.5 * tookMs) loadFactor.observe(ratio, now(), runtimeWeight)
      open.observe(beside, now())
      const isFetched = bytes >= leastRuntimeBytes
      const before = seen.get(flavor)
      // Fetched once more although it had been fetched before: this server or browser does not keep it.
      const isKept = !isFetched || before === undefined
      seen.delete(flavor)
      seen.set(flavor, {
        bytes: isFetched ? bytes : (before?.bytes ?? 0),
        isKept,
        ...(origin === undefined ? {} : { origin }),
      })
      for (const oldest of seen.keys()) if (seen.size > mostRuntimes) seen.delete(oldest)
    },
    observeInstall({ bytes, ms, rate }) {
      if (!(bytes > 0 && ms > 0 && isTime(ms))) return
      const beside = Math.max(0.02 * ms, ms - Math.exp(downloadTime(bytes, rate).mu))
      // What a long download took beside its bytes is lost in how its rate was estimated.
      installFactor.observe(beside / assumedInstallMs(bytes), now(), Math.max(1e-3, (beside / ms) ** 2))
    },
    observeLoad({ ms, ...about }) {
      loadFactor.observe(ms / assumedLoadMs(about), now())
    },
    prepare(request) {
      const { totalBytes, remainingBytes, runMs, loadingForMs } = request
      const closed = request.runtimes.filter(({ isOpen }) => !isOpen)
      const nowMs = now()
      const own = rateOf(request)
      const others: LogNormal[] = []
      let bytes = remainingBytes
      if (remainingBytes > 0) {
        const { mu, variance } = installFactor.estimate(nowMs)
        const ms = assumedInstallMs(totalBytes) * (remainingBytes < totalBytes ? installEndShare : 1)
        others.push({ mu: mu + Math.log(ms), variance })
      }
      for (const runtime of closed) {
        const known = seen.get(runtime.flavor)
        const isSameServer =
          known?.origin === undefined || request.sources.some(({ origin }) => origin === known.origin)
        const rate = isSameServer ? own.rate : request.rate(known.origin).rate
        const left = runtimeLeft(runtime, rate)
        const downloadMs = meanOf(downloadTime(remainingBytes, own.rate))
        // Side by side, the longer of the two counts, and its server sends the bytes of both.
        const isHidden = !runtime.comesFirst && remainingBytes > 0 && meanOf(left.time) < downloadMs
        if (!isHidden) others.push(left.time)
        if (isSameServer) bytes += left.bytes
        else if (left.bytes > 0 && !isHidden) others.push(downloadTime(left.bytes, rate))
      }
      const factor = loadFactor.estimate(nowMs)
      const isRuntimeKnown = closed.length === 0 || open.samples > 0
      return {
        remainingBytes: bytes,
        downlink: own.rate,
        other: others.length === 0 ? undefined : sumOf(others),
        load: { mu: factor.mu + Math.log(assumedLoadMs({ totalBytes, runMs })), variance: factor.variance },
        loadingForMs,
        isRateMeasured: own.isMeasured,
        isMeasured: (bytes === 0 || own.isMeasured) && isRuntimeKnown && loadFactor.samples > 0,
      }
    },
    snapshot: () => ({
      version: 2,
      open: open.snapshot(),
      install: installFactor.snapshot(),
      load: loadFactor.snapshot(),
      runtimes: [...seen],
    }),
    restore(snapshot) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (!parsed.success) return
      for (const [name, filter] of Object.entries(filters)) {
        const stored = parsed.output[name as keyof typeof filters]
        if (filter.samples === 0) filter.restore(stored, now(), extraVarianceAfterRestore)
      }
      for (const [flavor, runtime] of parsed.output.runtimes) {
        if (!seen.has(flavor)) seen.set(flavor, runtime)
      }
    },
  }
}
