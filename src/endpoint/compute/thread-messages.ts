import type { WireForm } from '../../contracts/preprocessing.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import type { ErrorData } from '../../errors/error-data.ts'

/** A model's files, in shared memory: no thread holds a copy of its own until it makes its session. */
export interface SharedGraph {
  readonly graph: SharedArrayBuffer
  /** Weights outside the graph, by the path that the graph names. */
  readonly externalData: ReadonlyMap<string, SharedArrayBuffer>
}

/** What a thread is asked to run. */
export interface ThreadTask {
  /** Names the session; the same key always means the same graph. */
  readonly key: string
  readonly inputs: TensorMap
  /** Forms in which inputs may have come; unpacked by the thread. */
  readonly wire?: readonly WireForm[] | undefined
  readonly outputs: readonly string[]
}

/**
 * Says of the tasks that were sent ahead to a thread whether they are wanted: a task's cell, that of its number's lowest
 * bit, holds its number until the thread begins it or it is taken back, whichever puts a 0 there first. Two, because the
 * next one may be sent before the thread has begun the one that was its turn.
 */
export type Claim = Int32Array<SharedArrayBuffer>

/** What a thread is told, in order: `graph` before a key's first task, `forget` after its last. */
export type ThreadOrder =
  | { readonly kind: 'graph'; readonly key: string; readonly shared: SharedGraph }
  | { readonly kind: 'run'; readonly task: ThreadTask }
  | { readonly kind: 'run-next'; readonly task: ThreadTask; readonly claim: Claim; readonly number: number }
  | { readonly kind: 'forget'; readonly key: string }

export interface ThreadResult {
  readonly outputs: TensorMap
  /** Making the session, in the thread's first run of this model; 0 after it. */
  readonly loadMs: number
  readonly computeMs: number
}

/** What a thread says: once that it is ready, then one answer for each task, in order. */
export type ThreadMessage =
  | { readonly status: 'ready' }
  | { readonly status: 'done'; readonly result: ThreadResult }
  | { readonly status: 'failed'; readonly error: ErrorData }
  | { readonly status: 'left-out' }

export const cellOf = (number: number): number => number & 1
