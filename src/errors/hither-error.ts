import { type ErrorCode, type ErrorKind, errorCodes } from './codes.ts'
import { isErrorLike } from './is-error-like.ts'

export interface HitherErrorOptions {
  readonly cause?: unknown
  /** Facts for whoever reads the error: sizes, names, statuses. Never a request's content, never a token. */
  readonly context?: Readonly<Record<string, string | number | boolean>>
}

/** The root of every error that Hither throws. `message` is a sentence a person understands. */
export abstract class HitherError extends Error {
  abstract override readonly name: ErrorKind
  readonly code: ErrorCode
  readonly context: Readonly<Record<string, string | number | boolean>>

  constructor(code: ErrorCode, message: string, options: HitherErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.context = options.context ?? {}
  }
}

/**
 * Compares names and codes, not classes: an error of another realm (a frame, `node:vm`) is no instance of this one's
 * `Error`, nor is one of another copy of the library an instance of its classes.
 */
export const isHitherError = (value: unknown): value is HitherError =>
  isErrorLike(value) &&
  'code' in value &&
  typeof value.code === 'string' &&
  Object.hasOwn(errorCodes, value.code) &&
  errorCodes[value.code as ErrorCode].kind === value.name
