import type { BackendMeasurement } from '../contracts/measurements.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { EdgeError } from '../errors/edge-error.ts'
import { isHitherError } from '../errors/hither-error.ts'
import type { WriteEnd, WriteRequest } from '../generation/writer/write-request.ts'
import { abortable } from '../utils/abortable.ts'
import { handOver } from '../utils/calls/hand-over.ts'
import type { Remote } from '../utils/calls/remote.ts'
import { given } from '../utils/given.ts'
import { isInstance } from '../utils/is-instance.ts'
import { memoizeAsync } from '../utils/memoize-async.ts'
import { tensorBuffers } from '../utils/tensor-buffers.ts'
import type { Timers } from '../utils/with-deadline.ts'
import type { EdgeRunOptions, EdgeWriteOptions, RuntimeProgress, RuntimeStanding } from './edge-types.ts'
import { createWorkerLife } from './worker-life.ts'
import {
  type EdgeWorkerMethods,
  edgeLane,
  type LoadReport,
  type LoadRequest,
  type OpenedRuntime,
  type RuntimeFlavor,
  type WorkerPlan,
  type WorkerRun,
  type WorkerSessionRun,
} from './worker-types.ts'

/**
 * A load compiles and runs, and gets longer than a run before its worker counts as hung: on a slow device, or one with
 * much else to do, a graph's shaders alone take minutes.
 */
const loadTimeoutMs = 180_000
const openTimeoutMs = 60_000
/** A text's worker counts as hung after this time without news: a piece of the prompt was read, or a token written. */
const quietTimeoutMs = 120_000

type Methods = Remote<EdgeWorkerMethods>

/** The page's side of one edge worker: starts it when it is needed, and replaces it when it dies or hangs. */
export interface EdgeHost {
  readonly flavor: RuntimeFlavor
  readonly threads: number
  /** Addresses of the runtime files, once they were loaded. */
  readonly files: readonly string[]
  /** How far the runtime is that its models run in. */
  readonly runtime: RuntimeStanding
  /** Calls that wait or run. */
  readonly waiting: number
  /** How long the first of them has been under way, in milliseconds. */
  readonly busyForMs: number
  /** Is this model loaded in the worker that is alive now? */
  has(key: string): boolean
  open(): Promise<void>
  /** @param budgetMs what it may take once the runtime is loaded */
  measure(budgetMs: number): Promise<BackendMeasurement>
  /**
   * Creates the model's session, and warms it up.
   *
   * @param options.onCreated what fails from now on is the warm-up
   */
  load(
    request: LoadRequest,
    options?: { readonly signal?: AbortSignal | undefined; readonly onCreated?: (() => void) | undefined },
  ): Promise<LoadReport>
  run(key: string, inputs: TensorMap, options: EdgeRunOptions): Promise<WorkerRun>
  startSession(sessionId: string, plan: WorkerPlan, state?: TensorMap): Promise<void>
  runSession(sessionId: string, inputs: TensorMap, options: EdgeRunOptions): Promise<WorkerSessionRun>
  /** Frees a session's state; does nothing when its worker has died. */
  closeSession(sessionId: string): Promise<void>
  /** @see EdgeWorkerMethods.write */
  write(key: string, request: WriteRequest, options: EdgeWriteOptions): Promise<WriteEnd>
  /** Times a loaded model: the median of a few runs, in milliseconds. */
  time(key: string): Promise<number>
  unload(key: string): Promise<void>
  /** A worker is running. */
  readonly alive: boolean
  /** A worker is running, holds no model and has nothing to do. */
  readonly idle: boolean
  /** Ends an idle worker to give its memory back; no death is reported. */
  rest(): void
  /** Ends the worker; the next call starts a new one. */
  terminate(reason: Error): void
}

/** The model's bytes move to the worker: a copy of them would double what loading takes. */
const handOverFiles = (request: LoadRequest): LoadRequest => {
  const { graph, externalData = [], generation } = request.files
  const { tokenizer, tokenizerConfig, chatTemplate } = generation ?? {}
  const texts = [tokenizer, tokenizerConfig, chatTemplate].filter((text) => text !== undefined)
  const views = [graph, ...externalData.map(({ data }) => data), ...texts]
  const buffers = views.flatMap(({ buffer }) => (isInstance(buffer, 'ArrayBuffer') ? [buffer] : []))
  return handOver(request, [...new Set(buffers)])
}

/** The runtime refused a run, and goes on. */
export const isRunFailure = (error: unknown): boolean =>
  isHitherError(error) && (error.code === 'edge-run-failed' || error.code === 'model-load-failed')

export function createEdgeHost(options: {
  readonly flavor: RuntimeFlavor
  readonly threads: number
  readonly startWorker: () => Worker
  /** Called each time that the worker dies. */
  readonly onDeath?: (reason: Error) => void
  /** Called each time that the runtime's file came, and that it was compiled. */
  readonly onRuntime?: ((opened: RuntimeProgress) => void) | undefined
  readonly timers?: Timers
  readonly nowMs?: () => number
}): EdgeHost {
  const { flavor, threads, onRuntime: _, ...workerOptions } = options
  const { nowMs = () => performance.now() } = options
  let files: readonly string[] = []
  let openingSince: number | undefined
  let fetchedSince: number | undefined
  let isOpen = false
  const loaded = new Set<string>()
  const worker = createWorkerLife<EdgeWorkerMethods>({
    ...workerOptions,
    lane: edgeLane,
    onEnding() {
      loaded.clear()
      isOpen = false
      opened.forget('runtime')
    },
  })
  const { calls, call } = worker

  const opened = memoizeAsync(async (_: 'runtime') => {
    const startedAt = nowMs()
    openingSince = startedAt
    const tellFetched = (times: OpenedRuntime['times']) => {
      if (fetchedSince !== undefined) return
      fetchedSince = nowMs()
      options.onRuntime?.({ flavor, times })
    }
    try {
      const report = await call(openTimeoutMs, 'Loading the runtime', (methods) =>
        methods.open(flavor, threads, tellFetched),
      )
      files = report.files
      isOpen = true
      tellFetched(report.times)
      options.onRuntime?.({ flavor, tookMs: nowMs() - startedAt, times: report.times })
    } catch (error) {
      // A runtime that failed to load once is never loaded in the same worker: the next call gets a new one.
      if (isHitherError(error)) worker.retire(error)
      throw error
    } finally {
      openingSince = undefined
      fetchedSince = undefined
    }
  })

  /**
   * A worker that lost its device, or whose runtime trapped, may still say so, but answers nothing after it. In the
   * asyncify build a failed run may leave the runtime so that the next call ends the whole tab.
   */
  const endIfDead = (error: unknown, hasRun: boolean) => {
    if (!isHitherError(error)) return
    const isDead = error.code === 'edge-device-lost' || error.code === 'edge-crashed'
    if (isDead) worker.end(error)
    else if (flavor === 'asyncify' && hasRun && isRunFailure(error)) {
      worker.end(
        new EdgeError('edge-crashed', 'The part of this page that runs models was replaced.', { cause: error }),
      )
    }
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
      endIfDead(error, true)
      throw error
    }
  }

  return {
    flavor,
    threads,
    get files() {
      return files
    },
    get runtime() {
      const since = (ms: number | undefined) => (ms === undefined ? undefined : nowMs() - ms)
      return { flavor, isOpen, ...given({ openingForMs: since(openingSince), fetchedForMs: since(fetchedSince) }) }
    },
    get waiting() {
      return calls.waiting
    },
    get busyForMs() {
      return calls.busyForMs
    },
    get alive() {
      return worker.methods !== undefined
    },
    get idle() {
      return worker.methods !== undefined && loaded.size === 0 && calls.waiting === 0
    },
    rest() {
      worker.retire(new EdgeError('edge-crashed', 'The worker was ended because it was idle.'))
    },
    has: (key) => loaded.has(key),
    open: () => opened('runtime'),
    async measure(budgetMs) {
      await opened('runtime')
      return call(loadTimeoutMs, 'Measuring', (methods) => methods.measure(budgetMs))
    },
    async load(request, { signal, onCreated } = {}) {
      await abortable(opened('runtime'), signal)
      let hasRun = false
      const load = async () => {
        const what = 'Loading the model'
        const report = await call(loadTimeoutMs, what, (methods) => methods.load(handOverFiles(request)))
        hasRun = true
        onCreated?.()
        return { ...report, warmupMs: await call(loadTimeoutMs, what, (methods) => methods.warmUp(request.key)) }
      }
      const report = await abortable(load(), signal).catch((error) => {
        endIfDead(error, hasRun)
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
      await worker.methods?.closeSession(sessionId).catch(() => {})
    },
    async write(key, request, { onEvents, signal }) {
      signal?.throwIfAborted()
      const writing = call(quietTimeoutMs, 'Writing', (methods, isAlive) => {
        const tell: typeof onEvents = (events) => {
          isAlive()
          onEvents(events)
        }
        return methods.write(key, request, tell, signal)
      })
      return abortable(writing, signal).catch((error) => {
        endIfDead(error, true)
        throw error
      })
    },
    async time(key) {
      try {
        return await call(loadTimeoutMs, 'Timing the model', (methods) => methods.time(key))
      } catch (error) {
        endIfDead(error, true)
        throw error
      }
    },
    async unload(key) {
      if (!loaded.delete(key) || worker.methods === undefined) return
      await call(loadTimeoutMs, 'Unloading the model', (methods) => methods.unload(key))
    },
    terminate: worker.end,
  }
}
