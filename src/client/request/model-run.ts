import type { Manifest } from '../../contracts/manifest.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import type { RunOptions, RunResult } from '../types/run-types.ts'

/** A request's result, and the model that it is of. */
export interface ModelRun extends RunResult {
  readonly manifest: Manifest
}

/** Turns what was given into the model's inputs. Its time counts as the request's; the signal ends with the request. */
export type PrepareInputs = (manifest: Manifest, signal: AbortSignal) => Promise<TensorMap>

/** Runs a model once, wherever that is best. @see Client.run */
export type RunModel = (model: string, options: RunOptions | undefined, prepare: PrepareInputs) => Promise<ModelRun>
