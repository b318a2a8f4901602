import { type ErrorData, fromErrorData, toErrorData } from '../../errors/error-data.ts'
import type { ErrorCodec } from './open-link.ts'

/** Errors between the parts of one origin: all of them, with codes, classes, contexts and causes. */
export const errorCodec: ErrorCodec = {
  toWire: toErrorData,
  fromWire: (data) => fromErrorData(data as ErrorData),
}
