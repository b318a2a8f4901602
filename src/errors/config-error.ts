import type { CodeOf } from './codes.ts'
import { HitherError, type HitherErrorOptions } from './hither-error.ts'

/** The client was set up wrongly, or is closed. */
export class ConfigError extends HitherError {
  override readonly name = 'ConfigError'

  constructor(code: CodeOf<'ConfigError'>, message: string, options?: HitherErrorOptions) {
    super(code, message, options)
  }
}
