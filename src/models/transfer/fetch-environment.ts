import { ownOrigin } from '../../utils/page-address.ts'
import { systemTimers, type Timers } from '../../utils/with-deadline.ts'
import type { TrafficMeter } from './traffic-meter.ts'

/** What a transfer needs of the world; each part has the browser's own as its default. */
export interface FetchEnvironment {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly timers: Timers
  /** From the request to its status line. */
  readonly firstByteMs: number
  /** Between two pieces of a body. */
  readonly idleMs: number
  /** This page's own origin: another one would have to be asked for leave (a preflight) before some headers. */
  readonly origin: string | undefined
  /** The `Authorization` header of a request to this address; undefined for none. */
  readonly authorize: (url: string) => Promise<string | undefined>
  /** Measures how fast bodies come; undefined: nobody wants to know. */
  readonly meter: TrafficMeter | undefined
}

export type FetchOptions = { readonly [K in keyof FetchEnvironment]?: FetchEnvironment[K] | undefined }

export const toFetchEnvironment = (options: FetchOptions): FetchEnvironment => ({
  // Called through globalThis: the browser's fetch refuses any other `this`.
  fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
  timers: options.timers ?? systemTimers,
  firstByteMs: options.firstByteMs ?? 15_000,
  idleMs: options.idleMs ?? 15_000,
  origin: 'origin' in options ? options.origin : ownOrigin(),
  authorize: options.authorize ?? (async () => undefined),
  meter: options.meter,
})
