import type { Batch } from '../contracts/report.ts'
import type { Locks } from '../models/chunks/locks.ts'
import { backoffMs } from '../utils/backoff.ts'
import type { Timers } from '../utils/with-deadline.ts'
import { type FlushResult, flushLine } from './flush-line.ts'
import type { OutboxLedger } from './outbox-ledger.ts'
import type { SendOutcome } from './send-reports.ts'

/** Sends the reports of a ledger: one tab at a time, after failures with backoff. */
export interface OutboxSender {
  /** Sends now. Resolves when everything is sent, or can't be for now; never rejects. */
  flush(): Promise<void>
  /** Sends in this many milliseconds, unless that is scheduled already. */
  schedule(ms: number): void
  /** Sends now, and starts the backoff anew: the network has changed. */
  startAnew(): void
  /** When the endpoint last acknowledged something, and why the last attempt failed. */
  status(): { readonly sentAtMs?: number; readonly problem?: string }
  /** Cancels the scheduled attempt. `signal` ends the others. */
  close(): void
}

const backoff = { baseMs: 5_000, maxMs: 15 * 60_000 }
/** An endpoint without an intake is asked again after this time: an operator may add one. */
const unwantedMs = 60 * 60_000

export function createOutboxSender(options: {
  readonly ledger: Promise<OutboxLedger>
  readonly browser: Batch['browser']
  readonly isOnline: () => boolean
  /** May the endpoint take reports? */
  readonly wanted: () => Promise<boolean>
  readonly send: (batch: Batch) => Promise<SendOutcome>
  /** Called with reports that the endpoint has, or that it refused for good. */
  readonly onSettled: (keys: readonly string[]) => void
  /** Called when reports are left for a later attempt. */
  readonly onLeft: () => Promise<void>
  readonly onFlushed: () => Promise<void>
  readonly signal: AbortSignal
  readonly locks: Locks
  readonly timers: Timers
  readonly now: () => number
  readonly random: () => number
}): OutboxSender {
  const { ledger: opening, browser, send, signal, locks, timers, now, random } = options
  let timer: unknown
  let attempt = 0
  let sentAtMs: number | undefined
  let problem: string | undefined
  let flushing: Promise<void> | undefined

  const schedule = (ms: number) => {
    if (timer !== undefined || signal.aborted) return
    timer = timers.setTimeout(() => {
      timer = undefined
      void flush()
    }, ms)
  }
  const unschedule = () => {
    if (timer !== undefined) timers.clearTimeout(timer)
    timer = undefined
  }
  const backOff = (leastMs = 0) => {
    schedule(Math.max(leastMs, backoff.baseMs + backoffMs(attempt, { ...backoff, random })))
    attempt += 1
  }

  const onSettled = (keys: readonly string[]) => {
    sentAtMs = now()
    options.onSettled(keys)
  }
  const flushHeld = async () => {
    const ledger = await opening
    const result: FlushResult = (await options.wanted())
      ? await flushLine({ ledger, browser, now, send, onSettled })
      : { kind: 'unwanted' }
    problem = result.kind === 'later' ? result.code : result.kind === 'unwanted' ? 'reports-unwanted' : undefined
    if (result.kind === 'empty') {
      attempt = 0
      return
    }
    if (result.kind === 'later') await options.onLeft()
    backOff(result.kind === 'unwanted' ? unwantedMs : result.retryAfterMs)
  }
  const flushOnce = async () => {
    unschedule()
    if (!options.isOnline()) return
    try {
      await locks.holdIfFree('hither-outbox', flushHeld)
      await options.onFlushed()
    } catch {
      if (!signal.aborted) backOff()
    }
  }
  const flush = () => {
    flushing ??= flushOnce().finally(() => {
      flushing = undefined
    })
    return flushing
  }

  return {
    flush,
    schedule,
    startAnew() {
      attempt = 0
      void flush()
    },
    status: () => ({
      ...(sentAtMs === undefined ? {} : { sentAtMs }),
      ...(problem === undefined ? {} : { problem }),
    }),
    close: unschedule,
  }
}
