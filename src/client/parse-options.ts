import * as v from 'valibot'
import { privacyModes } from '../contracts/route.ts'
import { ConfigError } from '../errors/config-error.ts'
import { ValidationError } from '../errors/validation-error.ts'
import type { ClientOptions, RunOptions } from './types.ts'

const addressSchema = v.union([v.string(), v.instance(URL)])
const deadlineSchema = v.pipe(v.number(), v.finite(), v.minValue(1))
const policyEntries = { privacy: v.optional(v.picklist(privacyModes)), deadlineMs: v.optional(deadlineSchema) }

const clientOptionsSchema = v.strictObject({
  catalog: v.optional(addressSchema),
  endpoint: v.optional(v.strictObject({ url: addressSchema, token: v.optional(v.function()) })),
  policy: v.optional(v.strictObject(policyEntries)),
  runtime: v.optional(
    v.strictObject({
      backends: v.optional(v.pipe(v.array(v.picklist(['webgpu', 'wasm', 'webnn'])), v.minLength(1))),
      shareTabs: v.optional(v.boolean()),
      memoryBytes: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
      threads: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(64))),
    }),
  ),
})

const runOptionsSchema = v.strictObject({ ...policyEntries, signal: v.optional(v.instance(AbortSignal)) })

const toSentence = (issues: readonly v.BaseIssue<unknown>[]) =>
  issues.map((issue) => `${v.getDotPath(issue) ?? 'options'}: ${issue.message}`).join('; ')

/** @throws {ConfigError} `config-invalid`, naming the option */
export function parseClientOptions(options: unknown): ClientOptions {
  const parsed = v.safeParse(clientOptionsSchema, options)
  if (parsed.success) return options as ClientOptions
  throw new ConfigError('config-invalid', `These client options cannot be used. ${toSentence(parsed.issues)}.`)
}

/** @throws {ValidationError} `options-invalid`, naming the option */
export function parseRunOptions(options: unknown): RunOptions {
  const parsed = v.safeParse(runOptionsSchema, options)
  if (parsed.success) return options as RunOptions
  throw new ValidationError('options-invalid', `These options cannot be used. ${toSentence(parsed.issues)}.`)
}
