import * as v from 'valibot'
import { object } from './object-schemas.ts'
import { relativePathSchema } from './paths.ts'

const wholeSchema = (least: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(least))
const atLeast = (least: number) => v.pipe(v.number(), v.finite(), v.minValue(least))
const shareSchema = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(1))

/** How tokens are chosen, as far as a model's maker says. */
export const samplingDefaultsSchema = object({
  temperature: v.optional(atLeast(0)),
  topK: v.optional(wholeSchema(0)),
  topP: v.optional(shareSchema),
  minP: v.optional(shareSchema),
  repetitionPenalty: v.optional(v.pipe(v.number(), v.finite(), v.gtValue(0))),
})

/**
 * What a language model has beside its graph. The graph is a decoder in the hub's usual form: `input_ids`,
 * `attention_mask`, `position_ids` and `past_key_values.N.key|value` in, `logits` and `present.N.key|value` out. Or it gives
 * `new.N.key|value` instead, of the tokens of a run alone: then keys come in as [1, kvHeads, headSize, places], and
 * `logit_rows` says if logits are wanted.
 */
export const generationSchema = object({
  /** Paths of the hub's files, each one of the manifest's `files`. */
  tokenizer: relativePathSchema,
  tokenizerConfig: v.optional(relativePathSchema),
  /** How conversations are written down, in Jinja. Default: what the tokenizer's settings have, if they have one. */
  chatTemplate: v.optional(relativePathSchema),
  /** Tokens that the model has a number for. */
  vocabulary: wholeSchema(1),
  /** Tokens that it can look back on. */
  contextTokens: wholeSchema(1),
  /** Tokens that end an answer. */
  ends: v.array(wholeSchema(0)),
  /** The cache of keys and values: of each layer, [1, kvHeads, tokens, headSize] twice. */
  cache: object({
    layers: wholeSchema(1),
    kvHeads: wholeSchema(1),
    headSize: wholeSchema(1),
    type: v.picklist(['float32', 'float16']),
  }),
  sampling: v.optional(samplingDefaultsSchema),
})

export type Generation = v.InferOutput<typeof generationSchema>
