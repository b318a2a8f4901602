import type { Generation } from '../../../contracts/generation.ts'
import { CloudError } from '../../../errors/cloud-error.ts'
import type { WriteRequest } from '../../../generation/writer/write-request.ts'
import type { ReadyModel } from '../../model-folder/load-models.ts'

/** A model of the folder that writes. */
export type WritingReadyModel = ReadyModel & { readonly manifest: { readonly generation: Generation } }

export const writes = (model: ReadyModel): model is WritingReadyModel => model.manifest.generation !== undefined

/** An answer that is asked for. */
export interface WritingTask {
  readonly model: WritingReadyModel
  readonly request: WriteRequest
  /** Of the prompt, and of what there is of the answer; estimated where it is a text. */
  readonly promptTokens: number
  /** When its first token must be there, on the clock of `performance.now()`. */
  readonly deadlineAtMs?: number | undefined
}

export const overloaded = (retryAfterMs: number): CloudError =>
  new CloudError('cloud-overloaded', 'The endpoint writes as many answers as it can; try again in a moment.', {
    context: { retryAfterMs: Math.max(1_000, Math.round(retryAfterMs)) },
  })
