import type { CodeOf } from './codes.ts'
import { HitherError, type HitherErrorOptions } from './hither-error.ts'

/** A run on the endpoint failed. `context.status` holds the HTTP status where there was one. */
export class CloudError extends HitherError {
  override readonly name = 'CloudError'

  constructor(code: CodeOf<'CloudError'>, message: string, options?: HitherErrorOptions) {
    super(code, message, options)
  }
}
