import * as v from 'valibot'
import { reportModes } from '../../contracts/report-mode.ts'
import { privacyModes } from '../../contracts/route.ts'
import { ConfigError } from '../../errors/config-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { ClientOptions } from '../types/client-options.ts'
import type { RunOptions } from '../types/run-types.ts'
import type { SessionOptions, SessionRunOptions } from '../types/session-types.ts'

const addressSchema = v.union([v.string(), v.instance(URL)])
const deadlineSchema = v.pipe(v.number(), v.finite(), v.minValue(1))
const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
const policyEntries = {
  privacy: v.optional(v.picklist(privacyModes)),
  deadlineMs: v.optional(deadlineSchema),
  timeoutMs: v.optional(deadlineSchema),
}

const amountSchema = v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)))
const shareSchema = v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)))
const budgetsSchema = v.strictObject({
  moneyPerHour: amountSchema,
  energyJPerHour: amountSchema,
  dataBytesPerHour: amountSchema,
  wastedEdgeShare: shareSchema,
  wastedCloudShare: shareSchema,
})
const endpointSchema = v.strictObject({
  url: addressSchema,
  token: v.optional(v.function()),
  sealed: v.optional(v.union([v.boolean(), v.strictObject({ keys: v.function() })])),
  traceparent: v.optional(v.function()),
  region: v.optional(v.pipe(v.string(), v.maxLength(100))),
  moneyPer1000: amountSchema,
})

const clientOptionsSchema = v.strictObject({
  catalog: v.optional(addressSchema),
  endpoint: v.optional(v.union([endpointSchema, v.array(endpointSchema)])),
  policy: v.optional(v.strictObject({ ...policyEntries, budgets: v.optional(budgetsSchema) })),
  report: v.optional(v.picklist(reportModes)),
  saveData: v.optional(v.boolean()),
  simulate: v.optional(
    v.strictObject({
      network: v.optional(
        v.union([
          v.literal('offline'),
          v.strictObject({
            roundTripMs: v.pipe(v.number(), v.finite(), v.minValue(0)),
            bitsPerSecond: v.pipe(v.number(), v.finite(), v.minValue(1)),
          }),
        ]),
      ),
      slowdown: v.optional(v.pipe(v.number(), v.finite(), v.minValue(1))),
    }),
  ),
  runtime: v.optional(
    v.strictObject({
      backends: v.optional(v.pipe(v.array(v.picklist(['webgpu', 'wasm', 'webnn'])), v.minLength(1))),
      shareTabs: v.optional(v.boolean()),
      memoryBytes: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
      threads: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(64))),
    }),
  ),
  storage: v.optional(
    v.strictObject({
      budgetBytes: v.optional(countSchema),
      encrypt: v.optional(v.boolean()),
      downloadOnMetered: v.optional(v.boolean()),
      autoUpdate: v.optional(v.boolean()),
      connections: v.optional(v.pipe(countSchema, v.maxValue(16))),
      firstByteMs: v.optional(deadlineSchema),
      idleMs: v.optional(deadlineSchema),
      totalMs: v.optional(deadlineSchema),
      tokens: v.optional(
        v.record(
          v.pipe(
            v.string(),
            v.check((origin) => URL.canParse(origin) && new URL(origin).origin === origin, 'not an origin'),
          ),
          v.union([v.string(), v.function()]),
        ),
      ),
    }),
  ),
})

const signalSchema = v.optional(v.instance(AbortSignal))
const runOptionsSchema = v.strictObject({
  ...policyEntries,
  signal: signalSchema,
  transfer: v.optional(v.boolean()),
  cascade: v.optional(v.boolean()),
})

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

const toSentence = (issues: readonly v.BaseIssue<unknown>[]) =>
  issues.map((issue) => `${v.getDotPath(issue) ?? 'options'}: ${issue.message}`).join('; ')

/** @throws {ConfigError} `config-invalid`, naming the option */
export function parseClientOptions(options: unknown): ClientOptions {
  const parsed = v.safeParse(clientOptionsSchema, options)
  if (parsed.success) return options as ClientOptions
  throw new ConfigError('config-invalid', `These client options cannot be used. ${toSentence(parsed.issues)}.`)
}

/** Checks a request's options; what it returns is what was given, as an AbortSignal must stay the very one. */
const parseRequest =
  <T>(schema: v.GenericSchema<unknown, unknown>) =>
  (options: unknown): T => {
    const parsed = v.safeParse(schema, options)
    if (parsed.success) return options as T
    throw new ValidationError('options-invalid', `These options cannot be used. ${toSentence(parsed.issues)}.`)
  }

/** @throws {ValidationError} `options-invalid`, naming the option */
export const parseRunOptions = parseRequest<RunOptions>(runOptionsSchema)
/** @throws {ValidationError} `options-invalid`, naming the option */
export const parseSessionOptions = parseRequest<SessionOptions>(sessionOptionsSchema)
/** @throws {ValidationError} `options-invalid`, naming the option */
export const parseSessionRunOptions = parseRequest<SessionRunOptions>(sessionRunOptionsSchema)
