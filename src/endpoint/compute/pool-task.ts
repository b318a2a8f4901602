import type { WireForm } from '../../contracts/preprocessing.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import type { SharedGraph } from '../model-folder/shared-graph.ts'

/** A model that the pool can run. */
export interface PoolModel {
  /** Names its sessions; the same key always means the same graph. */
  readonly key: string
  readonly shared: SharedGraph
  /** Compact forms that the inputs may be in. */
  readonly wire?: readonly WireForm[] | undefined
  /** Most rows of a joined run; 1 where requests can't be joined. Default 1. */
  readonly maxBatch?: number
  /** Difference of two answers that counts as rounding. Default 0. */
  readonly tolerance?: number
}

/** A request that was checked against its model. */
export interface PoolTask {
  readonly model: PoolModel
  readonly inputs: TensorMap
  readonly outputs: readonly string[]
  /** On the clock of `performance.now()`. */
  readonly deadlineAtMs?: number | undefined
}
