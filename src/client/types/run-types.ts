import type { Tensor } from 'onnxruntime-common'
import type { RouteRecord } from '../../contracts/route.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import type { Classification } from '../../tasks/decode/classify.ts'
import type { PictureSource } from '../../tasks/pictures/picture-source.ts'
import type { Policy } from './client-options.ts'

export interface RunOptions extends Policy {
  readonly signal?: AbortSignal
  /**
   * Hands the tensors' buffers over to the edge instead of copying them: they are empty afterwards, and when the edge
   * fails the cloud cannot be asked. Where the cloud answers, nothing is handed over. Default false.
   */
  readonly transfer?: boolean
  /**
   * Whether a small model that is not sure of its answer has its larger one asked, where its manifest names one. Not with
   * `transfer`. Default true.
   */
  readonly cascade?: boolean
}

/** What a run takes: a picture for a model whose manifest says how to read one, or tensors by input name. */
export type RunInputs = { readonly image: PictureSource } | TensorMap

export interface RunResult {
  /** Tensors by output name. */
  readonly outputs: Readonly<Record<string, Tensor>>
  /** The outputs as an answer, for a model whose manifest names its task. */
  readonly answer?: Classification
  readonly route: RouteRecord
}
