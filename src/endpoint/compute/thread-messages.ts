import type { WireForm } from '../../contracts/preprocessing.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import type { ErrorData } from '../../errors/error-data.ts'
import type { SharedGraph } from '../model-folder/shared-graph.ts'

/**
 * One run in a thread. A request comes by its forms in this order: `InferRequest` (read from the wire), `EngineRequest`
 * (of a model that is there), `PoolTask` (its inputs checked, its model's files known), `PoolJob` (the task while it
 * waits and runs), and this, which is all that a thread needs: one `PoolJob`'s task, or several joined.
 */
export interface ThreadTask {
  /** Names the session; the same key always means the same graph. */
  readonly key: string
  readonly inputs: TensorMap
  /** Forms in which inputs may have come; unpacked by the thread. */
  readonly wire?: readonly WireForm[] | undefined
  readonly outputs: readonly string[]
}

/**
 * Two cells that decide whether a task that was sent ahead is run or taken back. A task's cell is chosen by the lowest
 * bit of its number, and holds that number until the thread begins the task or the pool takes it back: whoever first
 * puts a 0 there wins. There are two cells because the next task may be sent before the thread has begun the last one.
 */
export type Claim = Int32Array<SharedArrayBuffer>

/** Messages to a thread, worked off in order: `graph` comes before a key's first task, `forget` after its last. */
export type ThreadOrder =
  | { readonly kind: 'graph'; readonly key: string; readonly shared: SharedGraph }
  | { readonly kind: 'run'; readonly task: ThreadTask }
  | { readonly kind: 'run-next'; readonly task: ThreadTask; readonly claim: Claim; readonly number: number }
  | { readonly kind: 'forget'; readonly key: string }

export interface ThreadResult {
  readonly outputs: TensorMap
  /** Making the session, in the thread's first run of this model; 0 in later runs. */
  readonly loadMs: number
  readonly computeMs: number
}

/** Messages from a thread: `ready` once, then one answer for each task, in the order of the tasks. */
export type ThreadMessage =
  | { readonly status: 'ready' }
  | { readonly status: 'done'; readonly result: ThreadResult }
  | { readonly status: 'failed'; readonly error: ErrorData }
  | { readonly status: 'left-out' }

export const cellOf = (number: number): number => number & 1
