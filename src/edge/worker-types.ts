import type { Generation } from '../contracts/generation.ts'
import type { BackendMeasurement } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'
import type { WireForm } from '../contracts/preprocessing.ts'
import type { TensorLiteral, TensorMap, TensorSpec, TensorType } from '../contracts/tensor.ts'
import type { WriteEnd, WriteEvent, WriteRequest } from '../generation/writer/write-request.ts'
import type { ResourceTimes } from '../network/resource-transfers.ts'

/** onnxruntime-web's builds: `wasm` has no WebGPU; `jspi` and `asyncify` have it, and differ in what they ask of the browser. */
export type RuntimeFlavor = 'wasm' | 'jspi' | 'asyncify'

/** A model's bytes: its ONNX graph, and weights that lie outside it. Handed to the worker, not copied. */
export interface ModelFiles {
  readonly graph: Uint8Array
  /** Each by the path that the graph gives it. */
  readonly externalData?: readonly { readonly path: string; readonly data: Uint8Array }[] | undefined
  /** Of a model that writes text: the files that its manifest's `generation` names. */
  readonly generation?:
    | {
        readonly tokenizer: Uint8Array
        readonly tokenizerConfig?: Uint8Array | undefined
        readonly chatTemplate?: Uint8Array | undefined
      }
    | undefined
}

/** What the worker needs to load a model. */
export interface LoadRequest {
  /** Name and revision: the worker's key for the session. */
  readonly key: string
  readonly files: ModelFiles
  readonly backend: Backend
  readonly inputs: readonly TensorSpec[]
  /** Outputs that runs answer: the manifest's. Default: all of the graph's. */
  readonly outputs?: readonly Pick<TensorSpec, 'name' | 'type'>[] | undefined
  /** Smaller forms that runs may give inputs in; unpacked here. */
  readonly wire?: readonly WireForm[] | undefined
  readonly canary?:
    | { readonly inputs: readonly TensorLiteral[]; readonly outputs: readonly TensorLiteral[] }
    | undefined
  /** Set for a model that writes text. */
  readonly generation?: Generation | undefined
  readonly tolerance: number
  /** What a run took here at an earlier visit, in milliseconds: then only the canary is run, and nothing is timed. */
  readonly knownMs?: number | undefined
  /** False: nothing is run, because a run without a canary's inputs failed before. Default true. */
  readonly warmsUp?: boolean | undefined
  /** Outputs that stay on the graphics processor until they are asked for: the state of a session. */
  readonly keepOnDevice?: readonly string[] | undefined
}

export interface LoadReport {
  readonly createMs: number
  /** Median of the warm-up runs after the first, or what was known before, in milliseconds; absent where it could not be warmed up. */
  readonly warmupMs?: number | undefined
}

export interface WorkerRun {
  readonly outputs: TensorMap
  /** From the call's arrival in the worker to its start. */
  readonly queueMs: number
  readonly computeMs: number
}

/** A session's models and values, as the worker needs them. */
export interface WorkerPlan {
  readonly steps: readonly {
    readonly key: string
    readonly inputs: Readonly<Record<string, string>>
    readonly outputs: Readonly<Record<string, string>>
  }[]
  readonly state: readonly {
    readonly from: string
    readonly to: string
    readonly type: TensorType
    readonly shape: readonly number[]
  }[]
  readonly outputs: readonly string[]
}

export interface WorkerSessionRun extends WorkerRun {
  /** The state after the run, by the value's name, when it is small enough to keep a copy of outside the worker. */
  readonly state?: TensorMap | undefined
}

/** A runtime that was loaded and compiled. */
export interface OpenedRuntime {
  /** Addresses of its files. */
  readonly files: readonly string[]
  /** What the browser says of the loading of each, by the worker's clock. */
  readonly times: readonly ResourceTimes[]
}

/** What the edge worker offers to the page. */
export type EdgeWorkerMethods = {
  /**
   * Loads and compiles a runtime.
   *
   * @param onFetched told when its file is here: compiling that may take longer than it took to come
   */
  open(
    flavor: RuntimeFlavor,
    threads: number,
    onFetched: (times: OpenedRuntime['times']) => void,
  ): Promise<OpenedRuntime>
  measure(budgetMs: number): Promise<BackendMeasurement>
  /** Creates the model's session. Call `warmUp` then. */
  load(request: LoadRequest): Promise<Pick<LoadReport, 'createMs'>>
  /**
   * Runs a model that was just created. Where that fails, it is unloaded.
   *
   * @returns what a run takes, in milliseconds; undefined where it could not be timed
   */
  warmUp(key: string): Promise<LoadReport['warmupMs']>
  /** @param signal drops a run that has not started; a run that has started goes to its end */
  run(key: string, inputs: TensorMap, signal?: AbortSignal): Promise<WorkerRun>
  /** Times a loaded model with its canary or with zeros. Resolves to the median, in milliseconds. */
  time(key: string): Promise<number>
  unload(key: string): Promise<void>
  /** Starts a session, or starts it again: from zeros, or from a state that an earlier run gave. */
  startSession(sessionId: string, plan: WorkerPlan, state?: TensorMap): Promise<void>
  /** @param signal as for `run` */
  runSession(sessionId: string, inputs: TensorMap, signal?: AbortSignal): Promise<WorkerSessionRun>
  closeSession(sessionId: string): Promise<void>
  /**
   * Writes text with a loaded model that does. Between two of its runs, other models' runs have their turn.
   *
   * @param onEvents told what comes, in order, a few at a time
   * @param signal ends it between two runs
   */
  write(
    key: string,
    request: WriteRequest,
    onEvents: (events: readonly WriteEvent[]) => void,
    signal?: AbortSignal,
  ): Promise<WriteEnd>
}

/** Called for each request, and by plain messages: on digits comlink's part of a call is a tenth of a run. */
export const edgeLane = ['run', 'runSession'] as const satisfies readonly (keyof EdgeWorkerMethods)[]
