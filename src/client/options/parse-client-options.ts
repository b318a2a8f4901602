import * as v from 'valibot'
import { strictObject } from '../../contracts/object-schemas.ts'
import { reportModes } from '../../contracts/report-mode.ts'
import { ConfigError } from '../../errors/config-error.ts'
import { instanceSchema } from '../../utils/instance-schema.ts'
import type { ClientOptions } from '../types/client-options.ts'
import { atLeastOneSchema, policyEntries, toSentence } from './option-schemas.ts'

const addressSchema = v.union([v.string(), instanceSchema('URL')])
const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

const notNegativeSchema = v.pipe(v.number(), v.finite(), v.minValue(0))
const amountSchema = v.optional(notNegativeSchema)
const shareSchema = v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)))
/** Checked with the first text: few have it, and every page would fetch the check. */
const laterSchema = v.optional(v.unknown())
const budgetsSchema = strictObject({
  moneyPerHour: amountSchema,
  energyJPerHour: amountSchema,
  dataBytesPerHour: amountSchema,
  wastedEdgeShare: shareSchema,
  wastedCloudShare: shareSchema,
  tokenPrices: laterSchema,
})
const endpointSchema = strictObject({
  url: addressSchema,
  token: v.optional(v.function()),
  sealed: v.optional(v.union([v.boolean(), strictObject({ keys: v.function() })])),
  traceparent: v.optional(v.function()),
  region: v.optional(v.pipe(v.string(), v.maxLength(100))),
  moneyPer1000: amountSchema,
  kind: v.optional(v.literal('openai')),
  headers: laterSchema,
  models: laterSchema,
  moneyPerToken: laterSchema,
  probe: laterSchema,
})

const clientOptionsSchema = strictObject({
  catalog: v.optional(addressSchema),
  endpoint: v.optional(v.union([endpointSchema, v.array(endpointSchema)])),
  policy: v.optional(strictObject({ ...policyEntries, budgets: v.optional(budgetsSchema) })),
  report: v.optional(v.picklist(reportModes)),
  saveData: v.optional(v.boolean()),
  simulate: v.optional(
    strictObject({
      network: v.optional(
        v.union([
          v.literal('offline'),
          strictObject({
            roundTripMs: notNegativeSchema,
            bitsPerSecond: atLeastOneSchema,
          }),
        ]),
      ),
      slowdown: v.optional(atLeastOneSchema),
    }),
  ),
  runtime: v.optional(
    strictObject({
      backends: v.optional(v.pipe(v.array(v.picklist(['webgpu', 'wasm', 'webnn'])), v.minLength(1))),
      shareTabs: v.optional(v.boolean()),
      memoryBytes: v.optional(countSchema),
      threads: v.optional(v.pipe(countSchema, v.maxValue(64))),
    }),
  ),
  storage: v.optional(
    strictObject({
      budgetBytes: v.optional(countSchema),
      encrypt: v.optional(v.boolean()),
      downloadOnMetered: v.optional(v.boolean()),
      autoUpdate: v.optional(v.boolean()),
      connections: v.optional(v.pipe(countSchema, v.maxValue(16))),
      firstByteMs: v.optional(atLeastOneSchema),
      idleMs: v.optional(atLeastOneSchema),
      totalMs: v.optional(atLeastOneSchema),
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

/** @throws {ConfigError} `config-invalid`, naming the option */
export function parseClientOptions(options: unknown): ClientOptions {
  const parsed = v.safeParse(clientOptionsSchema, options)
  if (parsed.success) return options as ClientOptions
  throw new ConfigError('config-invalid', `These client options cannot be used. ${toSentence(parsed.issues)}.`)
}
