import type { CodeOf } from './codes.ts'
import { HitherError, type HitherErrorOptions } from './hither-error.ts'

/** What was given cannot be used: an unknown model, a tensor that does not fit, a picture that is none. */
export class ValidationError extends HitherError {
  override readonly name = 'ValidationError'

  constructor(code: CodeOf<'ValidationError'>, message: string, options?: HitherErrorOptions) {
    super(code, message, options)
  }
}
