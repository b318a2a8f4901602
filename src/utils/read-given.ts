import type { CodeOf } from '../errors/codes.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { ValidationError } from '../errors/validation-error.ts'

/**
 * Reads what a caller handed in, which may throw wherever it is touched: a proxy that was revoked, a getter, memory that
 * was handed over.
 *
 * @throws {ValidationError} with this code and sentence, for whatever is no error of ours
 */
export function readGiven<T>(read: () => T, code: CodeOf<'ValidationError'>, message: string): T {
  try {
    return read()
  } catch (cause) {
    if (isHitherError(cause)) throw cause
    throw new ValidationError(code, message, { cause })
  }
}
