import { createSendRequest } from '../cloud/cloud-request.ts'
import type { Batch } from '../contracts/report.ts'
import { createLocks, type Locks } from '../models/chunks/locks.ts'
import type { NetworkWatcher } from '../network/network-watcher.ts'
import { toJson } from '../utils/to-json.ts'
import { systemTimers, type Timers } from '../utils/with-deadline.ts'
import { browserName } from './browser-name.ts'
import { noteEndpoint } from './endpoint-note.ts'
import { createFarewell } from './farewell.ts'
import { createOutboxLedger, type LedgerLimits, type LedgerState, type OutboxLedger } from './outbox-ledger.ts'
import { createOutboxSender } from './outbox-sender.ts'
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
  const leaveToOthers = createLeaving(space, { baseUrl, wantsToken: token !== undefined }, options.onWaiting)
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

  /** The head of a batch, at hand for the page's end, when there is no time left to read the store. */
  let envelope: Omit<Batch, 'reports'> | undefined

  const state = async (): Promise<OutboxState> => {
    const ledger = await opening
    return {
      ...(await ledger.state()),
      persistent: ledger.persistent,
      ...sender.status(),
    }
  }
  const changed = async () => {
    if (listeners.size === 0) return
    const current = await state()
    for (const listener of [...listeners]) listener(current)
  }
  const sender = createOutboxSender({
    ledger: opening,
    browser,
    isOnline: () => watcher?.online !== false,
    wanted: options.wanted ?? (async () => true),
    send: (batch) => {
      const { reports, ...head } = batch
      envelope = head
      return sendReports(send, batch, AbortSignal.any([closing.signal, AbortSignal.timeout(sendTimeoutMs)]))
    },
    onSettled: farewell.forget,
    onLeft: leaveToOthers,
    onFlushed: changed,
    signal: closing.signal,
    locks,
    timers,
    now,
    random,
  })

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
        sender.schedule(gatherMs)
        if (watcher?.online === false) await leaveToOthers()
        await changed()
      } catch {
        // A full or broken store must not fail a request that was answered.
      }
    },
    flush: sender.flush,
    state,
    export: async () => toJsonLines(await (await opening).all()),
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
      sender.close()
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
    if (online && networkChanged) sender.startAnew()
  })
  // An earlier visit may have left reports behind.
  sender.schedule(gatherMs)
  return outbox
}

/** Notes down, once, how what waits can be sent without this page, and says that something waits. */
function createLeaving(
  space: Promise<RecordSpace>,
  endpoint: Parameters<typeof noteEndpoint>[1],
  onWaiting: (() => void) | undefined,
) {
  let noted: Promise<void> | undefined
  return async () => {
    noted ??= noteEndpoint(await space, endpoint)
    await noted
    onWaiting?.()
  }
}

function toJsonLines({ waiting, dead }: Awaited<ReturnType<OutboxLedger['all']>>): string {
  const lines = [...waiting.map((report) => ({ report })), ...dead]
  return lines.map((line) => `${toJson(line)}\n`).join('')
}
