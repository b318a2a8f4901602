import type { ReportMode } from '../contracts/report-mode.ts'
import type { Privacy, RouteRecord } from '../contracts/route.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { isHitherError } from '../errors/hither-error.ts'
import type { NetworkWatcher } from '../network/network-watcher.ts'
import type { Outbox, OutboxState } from '../outbox/create-outbox.ts'
import type { Reportable } from '../outbox/to-report.ts'
import { lazy } from '../utils/lazy.ts'
import type { OutboxApi } from './types/outbox-types.ts'

/** The client's side of the outbox: reports of requests go in, and nothing waits for that. */
export interface ClientOutbox {
  readonly api: OutboxApi
  answered(route: RouteRecord, answer: unknown, privacy: Privacy): void
  failed(error: unknown, about: FailedRequest): void
  close(): void
}

export interface FailedRequest {
  readonly model: string
  readonly revision?: string | undefined
  readonly privacy: Privacy
  readonly startedAtMs: number
  readonly actualMs: number
}

const nothing: OutboxState = {
  waiting: 0,
  waitingBytes: 0,
  dead: 0,
  sent: 0,
  dropped: { expired: 0, full: 0, lost: 0, refused: 0 },
  enabled: true,
  persistent: false,
}

/** Reports that are held until the outbox is loaded. */
const maxHeld = 500

const loadOutbox = async () => {
  const [{ createOutbox }, { registerReportSync }, { reportOfFailure, reportOfRoute }] = await Promise.all([
    import('../outbox/create-outbox.ts'),
    import('../outbox/register-sync.ts'),
    import('../outbox/to-report.ts'),
  ])
  return { createOutbox, registerReportSync, reportOfFailure, reportOfRoute }
}
type Loaded = Awaited<ReturnType<typeof loadOutbox>>

interface Opened extends Pick<Loaded, 'reportOfFailure' | 'reportOfRoute'> {
  readonly outbox: Outbox
}

/** Without an endpoint, or with `report: 'none'`, nothing is recorded and nothing is opened. */
export function createClientOutbox(options: {
  readonly mode: ReportMode
  readonly baseUrl: string | undefined
  readonly token?: (() => string | Promise<string>) | undefined
  /** May the endpoint take reports? One that is known not to is not asked. */
  readonly wanted?: () => Promise<boolean>
  readonly watcher: NetworkWatcher
  readonly adapter: () => string | undefined
  readonly onState: (state: OutboxState) => void
  /** Fetches the outbox: when the first report is made, so that the first answer does not wait for it. */
  readonly load?: typeof loadOutbox
}): ClientOutbox {
  const { mode, baseUrl, token, wanted, watcher, adapter, onState, load = loadOutbox } = options
  const isOn = mode !== 'none' && baseUrl !== undefined
  const held: ((made: Opened) => Reportable)[] = []
  let closed = false

  const code = lazy(
    load,
    (cause) =>
      new CapabilityError('storage-unavailable', 'The outbox could not be loaded. Try again when online.', { cause }),
  )
  const open = async (url: string): Promise<Opened | undefined> => {
    const { createOutbox, registerReportSync, ...reports } = await code.get()
    if (closed) return undefined
    const outbox = createOutbox({
      baseUrl: url,
      token,
      wanted,
      watcher,
      page: globalThis,
      onWaiting: () => void registerReportSync(),
    })
    outbox.onChange(onState)
    return { outbox, ...reports }
  }
  const opened = lazy(async () => (baseUrl === undefined ? undefined : open(baseUrl)))
  const use = async <T>(work: (outbox: Outbox, made: Opened) => Promise<T>, otherwise: T): Promise<T> => {
    if (!isOn || closed) return otherwise
    const made = await opened.get()
    return made === undefined ? otherwise : work(made.outbox, made)
  }
  /** Records what is held. While the outbox can't be fetched, it stays held. */
  const recordHeld = () =>
    void use(async (outbox, made) => {
      for (let next = held.shift(); next !== undefined; next = held.shift()) await outbox.record(next(made))
    }, undefined).catch(() => {})
  const record = (make: (made: Opened) => Reportable) => {
    if (!isOn) return
    held.push(make)
    if (held.length > maxHeld) held.shift()
    recordHeld()
  }
  const stopWatching = isOn
    ? watcher.onChange(({ online }) => {
        if (online && held.length > 0) recordHeld()
      })
    : undefined
  const context = (privacy: Privacy) => ({ mode, privacy, adapter: adapter() })

  return {
    api: {
      state: () => use((outbox) => outbox.state(), nothing),
      flush: () => use((outbox) => outbox.flush(), undefined),
      export: () => use((outbox) => outbox.export(), ''),
      clear: () => use((outbox) => outbox.clear(), undefined),
      setEnabled: (enabled) => use((outbox) => outbox.setEnabled(enabled), undefined),
    },
    answered(route, answer, privacy) {
      if (!isOn) return
      const about = context(privacy)
      record(({ reportOfRoute }) => reportOfRoute(route, answer, about))
    },
    failed(error, { privacy, ...about }) {
      // An abort is no failure, and a request that was wrong in itself says nothing of an arm.
      if (!isOn || !isHitherError(error)) return
      if (error.name === 'ValidationError' || error.name === 'ConfigError') return
      const [id, said] = [crypto.randomUUID(), context(privacy)]
      record(({ reportOfFailure }) => reportOfFailure(error, { id, ...about }, said))
    },
    close() {
      closed = true
      stopWatching?.()
      void opened.peek()?.outbox.close()
    },
  }
}
