import type { BackendMeasurement } from '../contracts/measurements.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { EdgeError } from '../errors/edge-error.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { abortable } from '../utils/abortable.ts'
import { startAwakeTimer } from '../utils/awake-timer.ts'
import { handOver } from '../utils/calls/hand-over.ts'
import type { Remote } from '../utils/calls/remote.ts'
import { openWorkerLink, type WorkerLink } from '../utils/calls/worker-link.ts'
import { memoizeAsync } from '../utils/memoize-async.ts'
import { tensorBuffers } from '../utils/tensor-buffers.ts'
import type { Timers } from '../utils/with-deadline.ts'
import type { EdgeRunOptions } from './edge-types.ts'
import type {
  EdgeWorkerMethods,
  LoadReport,
  LoadRequest,
  RuntimeFlavor,
  WorkerPlan,
  WorkerRun,
  WorkerSessionRun,
} from './worker-types.ts'

/** A load compiles and runs; it gets longer than a run before its worker counts as hung. */
const loadTimeoutMs = 60_000
const openTimeoutMs = 60_000

type Methods = Remote<EdgeWorkerMethods>

interface Call {
  readonly ms: number
  readonly expire: () => void
  /** Since it is the first in the line. */
  turn?: { readonly atMs: number; readonly stop: () => void }
}

/** The page's side of one edge worker: starts it when it is needed, and replaces it when it dies or hangs. */
export interface EdgeHost {
  readonly flavor: RuntimeFlavor
  readonly threads: number
  /** Addresses of the runtime files, once they were loaded. */
  readonly files: readonly string[]
  /** Calls that wait or run. */
  readonly waiting: number
  /** How long the first of them has been under way, in milliseconds. */
  readonly busyForMs: number
  /** Is this model loaded in the worker that is alive now? */
  has(key: string): boolean
  open(): Promise<void>
  /** @param budgetMs what it may take once the runtime is loaded */
  measure(budgetMs: number): Promise<BackendMeasurement>
  load(request: LoadRequest, signal?: AbortSignal): Promise<LoadReport>
  run(key: string, inputs: TensorMap, options: EdgeRunOptions): Promise<WorkerRun>
  startSession(sessionId: string, plan: WorkerPlan, state?: TensorMap): Promise<void>
  runSession(sessionId: string, inputs: TensorMap, options: EdgeRunOptions): Promise<WorkerSessionRun>
  /** Frees a session's state; does nothing when its worker has died. */
  closeSession(sessionId: string): Promise<void>
  /** Times a loaded model: the median of a few runs, in milliseconds. */
  time(key: string): Promise<number>
  unload(key: string): Promise<void>
  /** A worker is running. */
  readonly alive: boolean
  /** A worker is running, holds no model and has nothing to do. */
  readonly idle: boolean
  /** Ends an idle worker to give its memory back; nobody is told of a death. */
  rest(): void
  /** Ends the worker; the next call starts a new one. */
  terminate(reason: Error): void
}

/** The model's bytes move to the worker: a copy of them would double what loading takes. */
const handOverFiles = (request: LoadRequest): LoadRequest => {
  const views = [request.files.graph, ...(request.files.externalData ?? []).map(({ data }) => data)]
  const buffers = views.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []))
  return handOver(request, [...new Set(buffers)])
}

function toFault(event: ErrorEvent | MessageEvent): Error {
  const message = 'message' in event ? event.message : ''
  if (message.includes('edge-device-lost')) {
    return new EdgeError('edge-device-lost', 'The graphics processor was lost while the model ran on it.', {
      context: { detail: message },
    })
  }
  return new EdgeError('edge-crashed', 'The part of this page that runs models has crashed and was replaced.', {
    context: { detail: message },
  })
}

export function createEdgeHost(options: {
  readonly flavor: RuntimeFlavor
  readonly threads: number
  readonly startWorker: () => Worker
  /** Told each time that the worker dies. */
  readonly onDeath?: (reason: Error) => void
  readonly timers?: Timers
  readonly nowMs?: () => number
}): EdgeHost {
  const { flavor, threads, startWorker, onDeath, ...clock } = options
  const { nowMs = () => performance.now() } = clock
  let link: WorkerLink<EdgeWorkerMethods> | undefined
  let files: readonly string[] = []
  const loaded = new Set<string>()
  // Calls in the order in which the worker takes them: only the first one's time is running.
  const calls: Call[] = []

  const watchFirst = () => {
    const first = calls[0]
    if (first === undefined) return
    first.turn ??= { atMs: nowMs(), stop: startAwakeTimer(first.ms, first.expire, clock) }
  }

  const forget = () => {
    const ending = link
    link = undefined
    loaded.clear()
    opened.forget('runtime')
    for (const { turn } of calls.splice(0)) turn?.stop()
    return ending
  }

  const end = (reason: Error) => {
    const ending = forget()
    if (ending === undefined) return
    ending.terminate(reason)
    onDeath?.(reason)
  }

  /** One call to the worker, ended with the worker should it take longer than `ms` once it is its turn. */
  const call = async <T>(ms: number, what: string, make: (methods: Methods) => Promise<T>) => {
    const target = link ?? start()
    const entry: Call = {
      ms,
      expire: () =>
        end(
          new EdgeError('edge-timeout', `${what} on this device took over ${Math.round(ms / 1000)} s and was stopped.`),
        ),
    }
    calls.push(entry)
    try {
      const answer = make(target.methods)
      // Set while the worker is at it already: setting a timer takes as long as a small message.
      watchFirst()
      return await answer
    } finally {
      const index = calls.indexOf(entry)
      if (index >= 0) {
        calls.splice(index, 1)
        entry.turn?.stop()
        watchFirst()
      }
    }
  }

  function start(): WorkerLink<EdgeWorkerMethods> {
    let worker: Worker
    try {
      worker = startWorker()
    } catch (cause) {
      throw new CapabilityError('worker-unavailable', 'This page may not start the worker that runs models.', { cause })
    }
    const toReason = (event: ErrorEvent | MessageEvent) => {
      const reason = toFault(event)
      // The link ends its worker by itself; the host must forget both, and say so.
      if (link === started) end(reason)
      return reason
    }
    // An aborted run counts as under way until the worker is done with it.
    const started = openWorkerLink<EdgeWorkerMethods>(worker, toReason, { waitsForAborted: true })
    link = started
    return started
  }

  const opened = memoizeAsync(async (_: 'runtime') => {
    try {
      const report = await call(openTimeoutMs, 'Loading the runtime', (methods) => methods.open(flavor, threads))
      files = report.files
    } catch (error) {
      // A runtime that could not be loaded once is never loaded in the same worker: the next call gets a new one.
      if (isHitherError(error)) forget()?.terminate(error)
      throw error
    }
  })

  /** A worker that lost its device, or whose runtime trapped, may still say so, but answers nothing after it. */
  const endIfDead = (error: unknown) => {
    if (isHitherError(error) && (error.code === 'edge-device-lost' || error.code === 'edge-crashed')) end(error)
  }

  /** A run that its caller can abort at once: the worker drops it, or finishes it if it has started. */
  const runInTurn = async <T>(
    inputs: TensorMap,
    { timeoutMs, signal, transfer: handsOver }: EdgeRunOptions,
    make: (methods: Methods, inputs: TensorMap) => Promise<T>,
  ): Promise<T> => {
    signal?.throwIfAborted()
    const given = handsOver ? handOver(inputs, tensorBuffers(inputs)) : inputs
    try {
      return await abortable(
        call(timeoutMs, 'The run', (methods) => make(methods, given)),
        signal,
      )
    } catch (error) {
      endIfDead(error)
      throw error
    }
  }

  return {
    flavor,
    threads,
    get files() {
      return files
    },
    get waiting() {
      return calls.length
    },
    get busyForMs() {
      const turn = calls[0]?.turn
      return turn === undefined ? 0 : nowMs() - turn.atMs
    },
    get alive() {
      return link !== undefined
    },
    get idle() {
      return link !== undefined && loaded.size === 0 && calls.length === 0
    },
    rest() {
      forget()?.terminate(new EdgeError('edge-crashed', 'The worker was ended because it was idle.'))
    },
    has: (key) => loaded.has(key),
    open: () => opened('runtime'),
    async measure(budgetMs) {
      await opened('runtime')
      return call(loadTimeoutMs, 'Measuring', (methods) => methods.measure(budgetMs))
    },
    async load(request, signal) {
      await abortable(opened('runtime'), signal)
      const loading = call(loadTimeoutMs, 'Loading the model', (methods) => methods.load(handOverFiles(request)))
      const report = await abortable(loading, signal).catch((error) => {
        endIfDead(error)
        throw error
      })
      loaded.add(request.key)
      return report
    },
    run: (key, inputs, options) =>
      runInTurn(inputs, options, (methods, given) => methods.run(key, given, options.signal)),
    startSession: (sessionId, plan, state) =>
      call(openTimeoutMs, 'Opening the session', (methods) => methods.startSession(sessionId, plan, state)),
    runSession: (sessionId, inputs, options) =>
      runInTurn(inputs, options, (methods, given) => methods.runSession(sessionId, given, options.signal)),
    async closeSession(sessionId) {
      await link?.methods.closeSession(sessionId).catch(() => {})
    },
    time: (key) => call(loadTimeoutMs, 'Timing the model', (methods) => methods.time(key)),
    async unload(key) {
      if (!loaded.delete(key) || link === undefined) return
      await call(loadTimeoutMs, 'Unloading the model', (methods) => methods.unload(key))
    },
    terminate: end,
  }
}
