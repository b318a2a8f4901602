import type { CodeOf } from './codes.ts'
import { HitherError, type HitherErrorOptions } from './hither-error.ts'

/** A run on this device failed. */
export class EdgeError extends HitherError {
  override readonly name = 'EdgeError'

  constructor(code: CodeOf<'EdgeError'>, message: string, options?: HitherErrorOptions) {
    super(code, message, options)
  }
}
