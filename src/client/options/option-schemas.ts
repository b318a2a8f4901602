import * as v from 'valibot'
import { privacyModes } from '../../contracts/route.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { instanceSchema } from '../../utils/instance-schema.ts'

/** Any number from 1 on: milliseconds, tokens. */
export const atLeastOneSchema = v.pipe(v.number(), v.finite(), v.minValue(1))
export const signalSchema = v.optional(instanceSchema('AbortSignal'))
export const policyEntries = {
  privacy: v.optional(v.picklist(privacyModes)),
  deadlineMs: v.optional(atLeastOneSchema),
  timeoutMs: v.optional(atLeastOneSchema),
}

export const toSentence = (issues: readonly v.BaseIssue<unknown>[]): string =>
  issues.map((issue) => `${v.getDotPath(issue) ?? 'options'}: ${issue.message}`).join('; ')

/**
 * Checks one call's options and returns the very object that was given: a copy would lose the AbortSignal's identity.
 *
 * @throws {ValidationError} `options-invalid`, naming the option
 */
export function parseCallOptions<T>(schema: v.GenericSchema<unknown, unknown>, options: unknown): T {
  const parsed = v.safeParse(schema, options)
  if (parsed.success) return options as T
  throw new ValidationError('options-invalid', `These options cannot be used. ${toSentence(parsed.issues)}.`)
}
