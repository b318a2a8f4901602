import { type ErrorCode, type ErrorKind, errorCodes } from './codes.ts'

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

/** Compares names and codes, not classes, so that it also holds for errors of another realm or another copy of the library. */
export const isHitherError = (value: unknown): value is HitherError =>
  value instanceof Error &&
  'code' in value &&
  typeof value.code === 'string' &&
  Object.hasOwn(errorCodes, value.code) &&
  errorCodes[value.code as ErrorCode].kind === value.name
