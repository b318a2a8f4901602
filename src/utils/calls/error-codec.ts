import { type ErrorData, fromErrorData, toErrorData } from '../../errors/error-data.ts'

/** An error as the other side gets it, and back. */
export interface ErrorCodec {
  readonly toWire: (error: unknown) => unknown
  readonly fromWire: (data: unknown) => Error
}

/** Errors between the parts of one origin: all of them, with codes, classes, contexts and causes. */
export const errorCodec: ErrorCodec = {
  toWire: toErrorData,
  fromWire: (data) => fromErrorData(data as ErrorData),
}
