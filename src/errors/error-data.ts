import { CapabilityError } from './capability-error.ts'
import { CloudError } from './cloud-error.ts'
import { type CodeOf, type ErrorCode, type ErrorKind, errorCodes } from './codes.ts'
import { ConfigError } from './config-error.ts'
import { EdgeError } from './edge-error.ts'
import { type HitherError, type HitherErrorOptions, isHitherError } from './hither-error.ts'
import { isErrorLike } from './is-error-like.ts'
import { ModelError } from './model-error.ts'
import { NoArmError } from './no-arm-error.ts'
import { ValidationError } from './validation-error.ts'

/** An error as it crosses a thread: structured clone keeps an error's message and loses its code, cause and class. */
export interface ErrorData {
  readonly code?: ErrorCode
  readonly name: string
  readonly message: string
  readonly stack?: string
  readonly context?: Readonly<Record<string, string | number | boolean>>
  readonly cause?: ErrorData
  readonly attempts?: readonly ErrorData[]
}

/** Reads any thrown value into plain data. Never throws. */
export function toErrorData(thrown: unknown): ErrorData {
  if (!isErrorLike(thrown)) return { name: 'Error', message: String(thrown) }
  const base = {
    name: thrown.name,
    message: thrown.message,
    ...(thrown.stack === undefined ? {} : { stack: thrown.stack }),
    ...(thrown.cause === undefined ? {} : { cause: toErrorData(thrown.cause) }),
  }
  if (!isHitherError(thrown)) return base
  const attempts = 'attempts' in thrown && Array.isArray(thrown.attempts) ? thrown.attempts.map(toErrorData) : undefined
  return { ...base, code: thrown.code, context: thrown.context, ...(attempts ? { attempts } : {}) }
}

type Rebuild = (code: ErrorCode, message: string, options: HitherErrorOptions, data: ErrorData) => HitherError

const rebuilders: Record<ErrorKind, Rebuild> = {
  ConfigError: (code, message, options) => new ConfigError(code as CodeOf<'ConfigError'>, message, options),
  ValidationError: (code, message, options) => new ValidationError(code as CodeOf<'ValidationError'>, message, options),
  CapabilityError: (code, message, options) => new CapabilityError(code as CodeOf<'CapabilityError'>, message, options),
  ModelError: (code, message, options) => new ModelError(code as CodeOf<'ModelError'>, message, options),
  EdgeError: (code, message, options) => new EdgeError(code as CodeOf<'EdgeError'>, message, options),
  CloudError: (code, message, options) => new CloudError(code as CodeOf<'CloudError'>, message, options),
  NoArmError: (code, message, options, data) =>
    new NoArmError(code as CodeOf<'NoArmError'>, message, {
      ...options,
      attempts: (data.attempts ?? []).map(fromErrorData).filter(isHitherError),
    }),
}

/** Rebuilds the error that `toErrorData` read: class, code, context and causes included. */
export function fromErrorData(data: ErrorData): Error {
  const cause = data.cause === undefined ? undefined : fromErrorData(data.cause)
  const options = cause === undefined ? {} : { cause }
  if (data.code !== undefined && Object.hasOwn(errorCodes, data.code)) {
    const kind = errorCodes[data.code].kind
    return rebuilders[kind](data.code, data.message, { ...options, context: data.context ?? {} }, data)
  }
  const error = new Error(data.message, options)
  error.name = data.name
  return error
}
