import type { CodeOf } from './codes.ts'
import { HitherError, type HitherErrorOptions } from './hither-error.ts'

/** This browser lacks something that the edge needs. */
export class CapabilityError extends HitherError {
  override readonly name = 'CapabilityError'

  constructor(code: CodeOf<'CapabilityError'>, message: string, options?: HitherErrorOptions) {
    super(code, message, options)
  }
}
