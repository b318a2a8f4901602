import * as v from 'valibot'
import { strictObject } from '../../contracts/object-schemas.ts'
import type { RunOptions } from '../types/run-types.ts'
import { parseCallOptions, policyEntries, signalSchema } from './option-schemas.ts'

const runOptionsSchema = strictObject({
  ...policyEntries,
  signal: signalSchema,
  transfer: v.optional(v.boolean()),
  cascade: v.optional(v.boolean()),
})

/** @throws {ValidationError} `options-invalid`, naming the option */
export const parseRunOptions = (options: unknown): RunOptions => parseCallOptions(runOptionsSchema, options)
