import type { Tensor } from 'onnxruntime-common'
import type { Backend } from '../../contracts/model-state.ts'
import type { TensorMap } from '../../contracts/tensor.ts'

/** One model of a session. Values pass between models by name; a model's own names are used where none is given. */
export interface SessionStep {
  readonly model: string
  /** The model's input name to the value that it takes. */
  readonly inputs?: Readonly<Record<string, string>>
  /** The model's output name to the value that it becomes. */
  readonly outputs?: Readonly<Record<string, string>>
}

/** What a session runs: models in order, and what is kept from one run to the next. */
export interface SessionOptions {
  readonly steps: readonly SessionStep[]
  /** Values kept between runs, beside the state that the models' manifests name: what `from` was, `to` will be. */
  readonly state?: readonly {
    readonly from: string
    readonly to: string
    /** Shape of the zeros that the first run takes; a dimension may be 0. */
    readonly shape: readonly number[]
  }[]
  /** Values that each run answers. Default: outputs that are not kept as state and that no later step takes. */
  readonly outputs?: readonly string[]
}

export interface SessionRunOptions {
  readonly signal?: AbortSignal
  /** Time the run may take, in milliseconds; after it `run` rejects with `deadline-exceeded`. Default: none. */
  readonly timeoutMs?: number
  /** Hands the inputs' buffers over instead of copying them: your tensors are empty afterwards. Default false. */
  readonly transfer?: boolean
}

export interface SessionResult {
  /** Tensors by value name. */
  readonly outputs: Readonly<Record<string, Tensor>>
  readonly backend: Backend
  /** Milliseconds from the call to the answer, and its share in the worker: waiting and computing. */
  readonly actualMs: number
  readonly queueMs: number
  readonly computeMs: number
}

/** Runs of a stateful model, or of several models as one, at the edge: what one run leaves is what the next one takes. */
export interface ModelSession {
  /** Names of the values that each run takes, and of those that it answers. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /**
   * Runs once more. Runs are made one after the other, in the order of their calls. A run that fails or is aborted
   * leaves the state as it was, or loses it and says so.
   *
   * @throws {ValidationError} the inputs do not fit
   * @throws {EdgeError} `edge-session-lost`: the state is lost, because its worker ended and the state was too large to
   *   be kept beside it, or because a run was aborted in its midst; the next run starts from the beginning
   * @throws {NoArmError} `deadline-exceeded`
   * @throws the signal's reason, untouched, when it aborts
   */
  run(inputs: TensorMap, options?: SessionRunOptions): Promise<SessionResult>
  /** The next run starts from the beginning. */
  reset(): void
  /** Frees the state, and lets the models be unloaded. Idempotent, never rejects. */
  close(): Promise<void>
}
