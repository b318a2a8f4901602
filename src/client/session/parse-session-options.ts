import * as v from 'valibot'
import { parseCallOptions, policyEntries, signalSchema } from '../options/option-schemas.ts'
import type { SessionOptions, SessionRunOptions } from '../types/session-types.ts'

const namesSchema = v.optional(v.record(v.string(), v.string()))
const sessionOptionsSchema = v.strictObject({
  steps: v.array(v.strictObject({ model: v.string(), inputs: namesSchema, outputs: namesSchema })),
  state: v.optional(
    v.array(
      v.strictObject({
        from: v.string(),
        to: v.string(),
        shape: v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
      }),
    ),
  ),
  outputs: v.optional(v.array(v.string())),
})
const sessionRunOptionsSchema = v.strictObject({
  timeoutMs: policyEntries.timeoutMs,
  signal: signalSchema,
  transfer: v.optional(v.boolean()),
})

/** @throws {ValidationError} `options-invalid`, naming the option */
export const parseSessionOptions = (options: unknown): SessionOptions => parseCallOptions(sessionOptionsSchema, options)

/** @throws {ValidationError} `options-invalid`, naming the option */
export const parseSessionRunOptions = (options: unknown): SessionRunOptions =>
  parseCallOptions(sessionRunOptionsSchema, options)
