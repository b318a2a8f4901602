import type { CodeOf } from './codes.ts'
import { HitherError, type HitherErrorOptions } from './hither-error.ts'

/** A model's catalogue, manifest, download, storage or load failed. */
export class ModelError extends HitherError {
  override readonly name = 'ModelError'

  constructor(code: CodeOf<'ModelError'>, message: string, options?: HitherErrorOptions) {
    super(code, message, options)
  }
}
