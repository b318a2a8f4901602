import type { WireForm } from '../contracts/preprocessing.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import type { ErrorData } from '../errors/error-data.ts'

/** The graphs that a thread may be asked for, by session key: shared memory, so no thread holds a copy of its own. */
export interface InferWorkerData {
  readonly graphs: ReadonlyMap<string, SharedArrayBuffer>
}

/** What a thread is asked to run. */
export interface InferTask {
  readonly key: string
  readonly inputs: TensorMap
  /** Forms in which inputs may have come; unpacked by the thread. */
  readonly wire?: readonly WireForm[] | undefined
  readonly outputs: readonly string[]
}

export interface InferTaskResult {
  readonly outputs: TensorMap
  /** Making the session, in the thread's first run of this model; 0 after it. */
  readonly loadMs: number
  readonly computeMs: number
}

/** What a thread says: once that it is ready, then one answer for each task. */
export type InferMessage =
  | { readonly status: 'ready' }
  | { readonly status: 'done'; readonly result: InferTaskResult }
  | { readonly status: 'failed'; readonly error: ErrorData }
