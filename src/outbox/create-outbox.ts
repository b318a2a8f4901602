import { createSendRequest } from '../cloud/cloud-request.ts'
import type { Batch, Report } from '../contracts/report.ts'
import { createLocks, type Locks } from '../models/chunks/locks.ts'
import type { NetworkWatcher } from '../network/network-watcher.ts'
import { backoffMs } from '../utils/backoff.ts'
import { systemTimers, type Timers } from '../utils/with-deadline.ts'
import { browserName } from './browser-name.ts'
import { noteEndpoint } from './endpoint-note.ts'
import { createFarewell } from './farewell.ts'
import { type FlushResult, flushLine } from './flush-line.ts'
import { createOutboxLedger, type DeadLetter, type LedgerLimits, type LedgerState } from './outbox-ledger.ts'
import { openRecordSpace, type RecordSpace } from './record-space.ts'
import { sendReports } from './send-reports.ts'
import type { Reportable } from './to-report.ts'

/** Where the outbox stands. */
export interface OutboxState extends LedgerState {
  /** False in memory mode: what waits is lost with the page. */
  readonly persistent: boolean
  /** When the endpoint last acknowledged something, in milliseconds since the epoch. */
  readonly sentAtMs?: number
  /** Why the last attempt to send did not get through; absent when it did. */
  readonly problem?: string
}

/** Reports of what was answered and what failed, kept on this device until the endpoint has them. */
export interface Outbox {
  /** Takes what a request left behind. Never rejects, and nothing waits for it. */
  record(reportable: Reportable): Promise<void>
  /** Sends what waits, now. Resolves when it is sent, or can't be for now; never rejects. */
  flush(): Promise<void>
  state(): Promise<OutboxState>
  /** Everything that is kept, as JSON lines: waiting reports, then dead letters with their reasons. */
  export(): Promise<string>
  /** Forgets all reports, and this installation's name. */
  clear(): Promise<void>
  /** Switches reporting on this device off or on. Off, nothing is recorded, and what waits is forgotten. */
  setEnabled(enabled: boolean): Promise<void>
  onChange(listener: (state: OutboxState) => void): () => void
  /** Ends timers and listeners; what waits stays. */
  close(): void
}

export interface OutboxOptions {
  /** Base address of the endpoint. */
  readonly baseUrl: string
  readonly token?: (() => string | Promise<string>) | undefined
  /** May the endpoint take reports? Default: it is asked. */
  readonly wanted?: (() => Promise<boolean>) | undefined
  readonly watcher?: Pick<NetworkWatcher, 'online' | 'onChange'> | undefined
  readonly space?: Promise<RecordSpace>
  readonly limits?: Partial<LedgerLimits>
  readonly locks?: Locks
  readonly timers?: Timers
  readonly fetch?: typeof globalThis.fetch
  readonly now?: () => number
  readonly random?: () => number
  readonly userAgent?: string
  /** Fires `pagehide`; none in a service worker. */
  readonly page?: Pick<EventTarget, 'addEventListener' | 'removeEventListener'> | undefined
  /** Called when reports wait that could not be sent: a service worker may try when this page is gone. */
  readonly onWaiting?: () => void
}

/** Reports gather for this long, so that a burst of requests makes one batch. */
const gatherMs = 15_000
const backoff = { baseMs: 5_000, maxMs: 15 * 60_000 }
/** An endpoint without an intake is asked again after this time: an operator may add one. */
const unwantedMs = 60 * 60_000
const sendTimeoutMs = 30_000

/** Opens the outbox of this origin. Every tab and the service worker share it; one of them at a time sends. */
export function createOutbox(options: OutboxOptions): Outbox {
  const { baseUrl, token, watcher, timers = systemTimers, now = Date.now, random = Math.random, page } = options
  const fetch = options.fetch ?? ((...request) => globalThis.fetch(...request))
  const locks = options.locks ?? createLocks(globalThis.navigator?.locks)
  const browser = browserName(options.userAgent ?? globalThis.navigator?.userAgent ?? '')
  const space = options.space ?? openRecordSpace()
  const opening = space.then((opened) =>
    createOutboxLedger(opened, { now, ...(options.limits === undefined ? {} : { limits: options.limits }) }),
  )
  /** What waits can be sent without this page. */
  let noted: Promise<void> | undefined
  const leaveToOthers = async () => {
    noted ??= noteEndpoint(await space, { baseUrl, wantsToken: token !== undefined })
    await noted
    options.onWaiting?.()
  }
  const farewell = createFarewell({ baseUrl, fetch })
  const listeners = new Set<(state: OutboxState) => void>()
  const closing = new AbortController()

  let lastToken: string | undefined
  const send = createSendRequest({
    baseUrl,
    token: token && (async () => (lastToken = await token())),
    fetch,
    now: () => performance.now(),
    nowDate: now,
  })

  let envelope: Omit<Batch, 'reports'> | undefined
  let timer: unknown
  let attempt = 0
  let sentAtMs: number | undefined
  let problem: string | undefined
  let flushing: Promise<void> | undefined

  const state = async (): Promise<OutboxState> => {
    const ledger = await opening
    return {
      ...(await ledger.state()),
      persistent: ledger.persistent,
      ...(sentAtMs === undefined ? {} : { sentAtMs }),
      ...(problem === undefined ? {} : { problem }),
    }
  }
  const changed = async () => {
    if (listeners.size === 0) return
    const current = await state()
    for (const listener of [...listeners]) listener(current)
  }
  const schedule = (ms: number) => {
    if (timer !== undefined || closing.signal.aborted) return
    timer = timers.setTimeout(() => {
      timer = undefined
      void outbox.flush()
    }, ms)
  }
  const unschedule = () => {
    if (timer !== undefined) timers.clearTimeout(timer)
    timer = undefined
  }

  const flushHeld = async () => {
    const ledger = await opening
    const isWanted = options.wanted === undefined || (await options.wanted())
    const result: FlushResult = !isWanted
      ? { kind: 'unwanted' }
      : await flushLine({
          ledger,
          browser,
          now,
          send: (batch) => {
            const { reports, ...rest } = batch
            envelope = rest
            return sendReports(send, batch, AbortSignal.any([closing.signal, AbortSignal.timeout(sendTimeoutMs)]))
          },
          onSettled: (keys) => {
            sentAtMs = now()
            farewell.forget(keys)
          },
        })
    problem = result.kind === 'later' ? result.code : result.kind === 'unwanted' ? 'reports-unwanted' : undefined
    if (result.kind === 'empty') {
      attempt = 0
      return
    }
    if (result.kind === 'later') await leaveToOthers()
    const waitMs = result.kind === 'unwanted' ? unwantedMs : (result.retryAfterMs ?? 0)
    schedule(Math.max(waitMs, backoff.baseMs + backoffMs(attempt, { ...backoff, random })))
    attempt += 1
  }

  const outbox: Outbox = {
    async record(reportable) {
      if (reportable.kind === 'nothing') return
      try {
        const ledger = await opening
        if (reportable.kind === 'count') await ledger.count(reportable.outcome)
        else {
          const waiting = await ledger.add(reportable.report)
          if (waiting === undefined) return
          envelope ??= { version: 1, device: await ledger.device(), sentAtMs: now(), browser }
          farewell.remember(waiting.key, waiting.report)
        }
        schedule(gatherMs)
        if (watcher?.online === false) await leaveToOthers()
        await changed()
      } catch {
        // A full or broken store must not fail the request that was answered; the book counts what it can.
      }
    },
    flush() {
      flushing ??= (async () => {
        unschedule()
        if (watcher?.online === false) return
        try {
          await locks.holdIfFree('hither-outbox', flushHeld)
          await changed()
        } catch {
          if (!closing.signal.aborted) schedule(backoff.baseMs + backoffMs(attempt++, { ...backoff, random }))
        }
      })().finally(() => {
        flushing = undefined
      })
      return flushing
    },
    state,
    async export() {
      const { waiting, dead } = await (await opening).all()
      const lines = [...waiting.map((report) => ({ report })), ...dead] satisfies readonly (
        | DeadLetter
        | { readonly report: Report }
      )[]
      return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    },
    async clear() {
      const ledger = await opening
      const { waiting } = await ledger.state()
      if (waiting > 0) farewell.forget((await ledger.next({ reports: waiting, bytes: Infinity })).map(({ key }) => key))
      await ledger.clear()
      envelope = undefined
      await changed()
    },
    async setEnabled(enabled) {
      if (!enabled) await outbox.clear()
      await (await opening).setEnabled(enabled)
      await changed()
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      closing.abort()
      unschedule()
      listeners.clear()
      stopWatching?.()
      page?.removeEventListener('pagehide', onHide)
    },
  }

  const onHide = () => {
    if (envelope !== undefined && watcher?.online !== false) farewell.send({ ...envelope, sentAtMs: now() }, lastToken)
  }
  page?.addEventListener('pagehide', onHide)
  const stopWatching = watcher?.onChange(({ online, networkChanged }) => {
    if (!online || !networkChanged) return
    attempt = 0
    void outbox.flush()
  })
  // What an earlier visit left behind.
  schedule(gatherMs)
  return outbox
}
