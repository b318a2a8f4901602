import type { Manifest } from '../contracts/manifest.ts'
import type { BackendMeasurement, DeviceReport } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import type { WriteEnd, WriteEvent, WriteRequest } from '../generation/writer/write-request.ts'
import type { SessionPlan } from './session-plan.ts'
import type {
  LoadReport,
  ModelFiles,
  OpenedRuntime,
  RuntimeFlavor,
  WorkerPlan,
  WorkerRun,
  WorkerSessionRun,
} from './worker-types.ts'

/** A loaded model: where it runs, and how long its warm-up runs took. */
export interface LoadedModel extends LoadReport {
  /** From its warm-up runs, or predicted where it could not be warmed up; in milliseconds. */
  readonly warmupMs: number
  readonly backend: Backend
  readonly threads: number
  /** Reading it, creating its session and warming it up, in milliseconds: without the runtime, where that was loaded first. */
  readonly loadMs?: number | undefined
  /** What a run was predicted to take before the model was loaded, in milliseconds. */
  readonly foretoldMs?: number | undefined
}

/** How far a runtime is: the file that a model's session lives in. */
export interface RuntimeStanding {
  readonly flavor: RuntimeFlavor
  readonly isOpen: boolean
  /** Milliseconds since it began to be fetched and compiled; absent while it is not. */
  readonly openingForMs?: number
  /** Milliseconds since its file was here, of those; absent before. */
  readonly fetchedForMs?: number
}

/** A runtime that a model has to wait for. */
export interface NeededRuntime extends RuntimeStanding {
  /** This device is still to be measured in it, which comes before a model's download. Else both come side by side. */
  readonly comesFirst: boolean
}

/** A runtime's file is here; and later, it was compiled, too. */
export interface RuntimeProgress extends Pick<OpenedRuntime, 'times'> {
  readonly flavor: RuntimeFlavor
  /** Fetching and compiling it, in milliseconds; absent while it is being compiled. */
  readonly tookMs?: number
}

/** Where a model would run, as it is known before it is loaded. */
export interface EdgeForecast {
  readonly backend: Backend
  /** How long a run is predicted to take; undefined before the device was measured. */
  readonly ms?: number | undefined
  /** The runtimes that have to be there before it can run. */
  readonly runtimes?: readonly NeededRuntime[] | undefined
}

export interface EdgeRun extends WorkerRun {
  readonly backend: Backend
  /** From sending the request to the worker to having its answer, in milliseconds. */
  readonly totalMs: number
}

export interface EdgeRunOptions {
  /** Awake time that the run itself may take before its worker counts as hung, in milliseconds. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Hands the inputs' buffers over instead of copying them, which empties the caller's tensors; another tab gets copies. */
  readonly transfer?: boolean | undefined
}

export interface EdgeWriteOptions {
  /** Told what comes, in order, a few at a time. */
  readonly onEvents: (events: readonly WriteEvent[]) => void
  readonly signal?: AbortSignal | undefined
}

/** Runs of stateful models, or of several models as one: what one run leaves is what the next one takes. */
export interface EdgeSession {
  /**
   * Runs once more. Runs of a session are made one after the other, in the order of their calls.
   *
   * @throws {EdgeError} `edge-session-lost`: the worker died with a state too large to keep beside it; the next run
   *   starts from the beginning. Or as `EdgeEngine.run` does
   */
  run(inputs: TensorMap, options: EdgeRunOptions): Promise<EdgeRun>
  /** The next run starts from the beginning. */
  reset(): void
  /** Frees the state. Idempotent, never rejects. */
  close(): Promise<void>
}

export type ReadFiles = () => Promise<ModelFiles>

/** Where a session's models are: the worker, as far as a session uses it. */
export interface SessionHost {
  has(key: string): boolean
  startSession(sessionId: string, plan: WorkerPlan, state?: TensorMap): Promise<void>
  runSession(sessionId: string, inputs: TensorMap, options: EdgeRunOptions): Promise<WorkerSessionRun>
  /** Never rejects. */
  closeSession(sessionId: string): Promise<void>
}

/** A plan's models, loaded in one worker and held there until they are released. */
export interface HeldModels {
  readonly host: SessionHost
  readonly backend: Backend
  release(): void
}

/** What an engine reports unasked. */
export interface EdgeEvents {
  /** The device was measured, a backend chosen or runtime files loaded. */
  readonly onDevice?: ((report: DeviceReport) => void) | undefined
  /** A runtime was fetched, or compiled, by this very tab. */
  readonly onRuntime?: ((opened: RuntimeProgress) => void) | undefined
  /** Models are no longer loaded: their worker has died, or they made room. */
  readonly onGone?: (() => void) | undefined
  /** A model answers from another setup than it was loaded on. */
  readonly onMoved?: ((moved: { readonly manifest: Manifest; readonly loaded: LoadedModel }) => void) | undefined
}

/** Runs models on this device. */
export interface EdgeEngine {
  /** What the methods that answer at once rest on is known, also of this model when one is named. Never rejects. */
  ready(manifest?: Manifest): Promise<void>
  /** Measures the backends, once for this browser version and adapter unless asked `again`. Never rejects. */
  measure(again?: boolean): Promise<readonly BackendMeasurement[]>
  /**
   * Holds what the model needs against what this device has, before anything is downloaded.
   *
   * @param wantedTokens of prompt and answer together, of a model that writes text
   * @throws {CapabilityError} `model-unsupported`, with what is missing; `model-set-aside`: loading it ended this tab twice
   */
  check(manifest: Manifest, wantedTokens?: number): Promise<void>
  /**
   * Fetches and compiles the runtime that the model, or the one that ran last, will most likely run in: beside the
   * model's download, or before it is known which model it will be. Never rejects.
   */
  anticipate(manifest?: Manifest): Promise<void>
  /**
   * Loads a model on the backend that is predicted fastest, or does nothing when it is loaded. Afterwards, while
   * nothing runs, a backend that may be faster is tried, and the model moves there if it is.
   *
   * @param readFiles reads the model's files; their buffers are handed to the worker
   * @throws {CapabilityError} no backend can run it here
   * @throws {ModelError} the model does not load, or answers its canary wrongly
   * @throws {EdgeError} the worker died
   */
  load(manifest: Manifest, readFiles: ReadFiles): Promise<LoadedModel>
  /** The loaded model; undefined when it is not loaded, or its worker has died since. */
  loaded(manifest: Manifest): LoadedModel | undefined
  /** @throws {EdgeError} the run failed, hung, or its worker died; the next run gets a new worker */
  run(manifest: Manifest, inputs: TensorMap, options: EdgeRunOptions): Promise<EdgeRun>
  /**
   * Loads all models of a session in one worker, and keeps them there.
   *
   * @throws as `load` does
   */
  hold(plan: SessionPlan, readFiles: (manifest: Manifest) => Promise<ModelFiles>): Promise<HeldModels>
  /**
   * Writes text with a loaded model that does.
   *
   * @throws {ValidationError} `text-empty`, `context-full`, `messages-refused`
   * @throws {EdgeError} as `run` does; who has the prompt's ids and the answer so far can go on
   * @throws the signal's reason
   */
  write(manifest: Manifest, request: WriteRequest, options: EdgeWriteOptions): Promise<WriteEnd>
  /** Calls that wait or run in the model's worker. */
  waiting(manifest: Manifest): number
  /** How long the first of them has been under way, in milliseconds; 0 where that is another tab's. */
  busyForMs(manifest: Manifest): number
  /** Frees the model's memory once its runs have finished. */
  unload(manifest: Manifest): Promise<void>
  /** The backend a model would run on, and how long a run is predicted to take; undefined where it cannot run here. */
  forecast(manifest: Manifest): EdgeForecast | undefined
  report(): DeviceReport
  /** Idempotent, never rejects. */
  close(): void
}
