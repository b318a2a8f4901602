import type { CodeOf } from './codes.ts'
import { HitherError, type HitherErrorOptions } from './hither-error.ts'

/** No arm could answer. `attempts` holds the error of each one that was tried, in order. */
export class NoArmError extends HitherError {
  override readonly name = 'NoArmError'
  readonly attempts: readonly HitherError[]

  constructor(
    code: CodeOf<'NoArmError'>,
    message: string,
    options: HitherErrorOptions & { readonly attempts?: readonly HitherError[] } = {},
  ) {
    super(code, message, options)
    this.attempts = options.attempts ?? []
  }
}
