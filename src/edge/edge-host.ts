import type { BackendMeasurement } from '../contracts/measurements.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { EdgeError } from '../errors/edge-error.ts'
import { abortable } from '../utils/abortable.ts'
import { memoizeAsync } from '../utils/memoize-async.ts'
import { systemTimers, type Timers } from '../utils/with-deadline.ts'
import { openWorkerBridge, type WorkerBridge } from '../utils/worker-bridge.ts'
import type { EdgeWorkerMethods, LoadReport, LoadRequest, RuntimeFlavor, WorkerRun } from './worker-types.ts'

/** A load compiles and runs; it gets longer than a run before its worker counts as hung. */
const loadTimeoutMs = 60_000
const openTimeoutMs = 60_000

interface Call {
  readonly ms: number
  readonly expire: () => void
  timer?: unknown
}

/** The page's side of one edge worker: starts it when it is needed, and replaces it when it dies or hangs. */
export interface EdgeHost {
  readonly flavor: RuntimeFlavor
  readonly threads: number
  /** Addresses of the runtime files, once they were loaded. */
  readonly files: readonly string[]
  /** Calls that wait or run. */
  readonly waiting: number
  /** Is this model loaded in the worker that is alive now? */
  has(key: string): boolean
  open(): Promise<void>
  measure(): Promise<BackendMeasurement>
  load(request: LoadRequest, signal?: AbortSignal): Promise<LoadReport>
  run(
    key: string,
    inputs: TensorMap,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<WorkerRun>
  unload(key: string): Promise<void>
  /** Ends the worker; the next call starts a new one. */
  terminate(reason: Error): void
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
}): EdgeHost {
  const { flavor, threads, startWorker, onDeath, timers = systemTimers } = options
  let bridge: WorkerBridge<EdgeWorkerMethods> | undefined
  let files: readonly string[] = []
  let runIds = 0
  const loaded = new Set<string>()
  // Calls in the order in which the worker takes them: only the first one's time is running.
  const calls: Call[] = []

  const watchFirst = () => {
    const first = calls[0]
    if (first !== undefined && first.timer === undefined) first.timer = timers.setTimeout(first.expire, first.ms)
  }

  const end = (reason: Error) => {
    const ending = bridge
    bridge = undefined
    loaded.clear()
    opened.forget('runtime')
    for (const { timer } of calls.splice(0)) if (timer !== undefined) timers.clearTimeout(timer)
    if (ending === undefined) return
    ending.terminate(reason)
    onDeath?.(reason)
  }

  /** One call to the worker, ended with the worker should it take longer than `ms` once it is its turn. */
  const call = async <T>(
    ms: number,
    what: string,
    make: (methods: WorkerBridge<EdgeWorkerMethods>['methods']) => Promise<T>,
  ) => {
    const target = bridge ?? start()
    const entry: Call = {
      ms,
      expire: () =>
        end(
          new EdgeError('edge-timeout', `${what} on this device took over ${Math.round(ms / 1000)} s and was stopped.`),
        ),
    }
    calls.push(entry)
    watchFirst()
    try {
      return await make(target.methods)
    } finally {
      const index = calls.indexOf(entry)
      if (index >= 0) {
        calls.splice(index, 1)
        if (entry.timer !== undefined) timers.clearTimeout(entry.timer)
        watchFirst()
      }
    }
  }

  function start(): WorkerBridge<EdgeWorkerMethods> {
    let worker: Worker
    try {
      worker = startWorker()
    } catch (cause) {
      throw new CapabilityError('worker-unavailable', 'This page may not start the worker that runs models.', { cause })
    }
    const started = openWorkerBridge<EdgeWorkerMethods>(worker, (event) => {
      const reason = toFault(event)
      // The bridge ends itself; what is left is to forget it and to tell.
      if (bridge === started) end(reason)
      return reason
    })
    bridge = started
    return started
  }

  const opened = memoizeAsync(async (_: 'runtime') => {
    const report = await call(openTimeoutMs, 'Loading the runtime', (methods) => methods.open(flavor, threads))
    files = report.files
  })

  return {
    flavor,
    threads,
    get files() {
      return files
    },
    get waiting() {
      return calls.length
    },
    has: (key) => loaded.has(key),
    open: () => opened('runtime'),
    async measure() {
      await opened('runtime')
      return call(loadTimeoutMs, 'Measuring', (methods) => methods.measure())
    },
    async load(request, signal) {
      await abortable(opened('runtime'), signal)
      const report = await abortable(
        call(loadTimeoutMs, 'Loading the model', (methods) => methods.load(request)),
        signal,
      )
      loaded.add(request.key)
      return report
    },
    async run(key, inputs, { timeoutMs, signal }) {
      const runId = ++runIds
      signal?.throwIfAborted()
      const running = call(timeoutMs, 'The run', (methods) => methods.run(key, runId, inputs))
      try {
        return await abortable(running, signal)
      } catch (error) {
        if (signal?.aborted) void bridge?.methods.drop(runId).catch(() => {})
        throw error
      }
    },
    async unload(key) {
      if (!loaded.delete(key) || bridge === undefined) return
      await call(loadTimeoutMs, 'Unloading the model', (methods) => methods.unload(key))
    },
    terminate: end,
  }
}
