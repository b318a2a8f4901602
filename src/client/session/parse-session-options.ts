import * as v from 'valibot'
import { strictObject } from '../../contracts/object-schemas.ts'
import { parseCallOptions, policyEntries, signalSchema } from '../options/option-schemas.ts'
import type { SessionOptions, SessionRunOptions } from '../types/session-types.ts'

const namesSchema = v.optional(v.record(v.string(), v.string()))
const sessionOptionsSchema = strictObject({
  steps: v.array(strictObject({ model: v.string(), inputs: namesSchema, outputs: namesSchema })),
  state: v.optional(
    v.array(
      strictObject({
        from: v.string(),
        to: v.string(),
        shape: v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
      }),
    ),
  ),
  outputs: v.optional(v.array(v.string())),
})
const sessionRunOptionsSchema = strictObject({
  timeoutMs: policyEntries.timeoutMs,
  signal: signalSchema,
  transfer: v.optional(v.boolean()),
})

/** @throws {ValidationError} `options-invalid`, naming the option */
export const parseSessionOptions = (options: unknown): SessionOptions => parseCallOptions(sessionOptionsSchema, options)

/** @throws {ValidationError} `options-invalid`, naming the option */
export const parseSessionRunOptions = (options: unknown): SessionRunOptions =>
  parseCallOptions(sessionRunOptionsSchema, options)
