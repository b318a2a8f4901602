import * as v from 'valibot'
import { object } from './object-schemas.ts'
import { tensorLiteralSchema } from './tensor.ts'

const sizeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(4096))
const nameSchema = v.pipe(v.string(), v.minLength(1))

/** A drawing: its strokes are found, cropped, scaled and centred. */
const inkSchema = object({
  kind: v.literal('ink'),
  /** Width and height of the model's input, in pixels. */
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1024)),
  /** Longest side of the ink inside it, in pixels. */
  inkSize: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1024)),
})

/** A picture as it is: resized to the model's input, one byte a channel. `wire` says how bytes become other numbers. */
const pictureSchema = object({
  kind: v.literal('picture'),
  /** Width and height of the model's input, in pixels. */
  width: sizeSchema,
  height: sizeSchema,
  /** `stretch` fills the input and lets sides grow unequally, `letterbox` shows all of it with bars, `crop` fills the input with its middle. */
  fit: v.picklist(['stretch', 'letterbox', 'crop']),
  /** The filter it is resized with, spread over all that a new pixel covers. Default `bilinear`; `area` is the mean. */
  resample: v.optional(v.picklist(['area', 'bilinear', 'bicubic'])),
  /** The bars' value, 0 to 255. Default 0. */
  fill: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(255))),
  /** The channels and their order. `grey` is luma of ITU-R BT.601. */
  channels: v.picklist(['rgb', 'bgr', 'grey']),
  /** `nchw`: one plane a channel; `nhwc`: the channels of a pixel beside each other. */
  layout: v.picklist(['nchw', 'nhwc']),
})

/** Sound: mono, at one rate, in windows of equal length, each of which is a run. */
const soundSchema = object({
  kind: v.literal('sound'),
  /** Samples a second that the model was made for. */
  rateHz: v.pipe(v.number(), v.safeInteger(), v.minValue(8000), v.maxValue(48_000)),
  /** New samples in each window. */
  windowSamples: v.pipe(v.number(), v.safeInteger(), v.minValue(16), v.maxValue(1_000_000)),
  /** Samples of the window before that each one begins with; zeros in the first. Default 0. */
  contextSamples: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1_000_000))),
  /** Inputs that are always the same, such as the rate. */
  constants: v.optional(v.array(tensorLiteralSchema)),
})

/** Text: its code points as int32, `[1, count]`; docs/tasks.md has the steps. */
const textSchema = object({
  kind: v.literal('text'),
  encoding: v.literal('code-points'),
  normalization: v.literal('NFC'),
  lowerCase: v.boolean(),
  /** Code points after which the text is cut. */
  maxLength: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(65_536)),
})

const filePathSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(300))

/** Text: the tokens of a Hugging Face tokenizer, as the inputs `input_ids`, `attention_mask` and `token_type_ids`. */
const tokensSchema = object({
  kind: v.literal('tokens'),
  /** Path of its `tokenizer.json`; one of the manifest's files. */
  tokenizer: filePathSchema,
  /** Path of its `tokenizer_config.json`; one of the manifest's files. Default: none. */
  tokenizerConfig: v.optional(filePathSchema),
  /** Tokens of one text that the model takes, those that the tokenizer adds included. */
  maxTokens: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1_000_000)),
})

/** How what a person gives becomes the model's first input. */
export const preprocessingSchema = v.variant('kind', [inkSchema, pictureSchema, textSchema, tokensSchema, soundSchema])

export type Preprocessing = v.InferOutput<typeof preprocessingSchema>
export type InkPreprocessing = v.InferOutput<typeof inkSchema>
export type PicturePreprocessing = v.InferOutput<typeof pictureSchema>
export type TextPreprocessing = v.InferOutput<typeof textSchema>
export type TokensPreprocessing = v.InferOutput<typeof tokensSchema>
export type SoundPreprocessing = v.InferOutput<typeof soundSchema>

/**
 * A smaller form in which an input travels: bytes, from which value = (byte − mean) × scale. Both the edge and the
 * endpoint unpack it just before they run the model; either one also takes the input as it is.
 */
export const wireSchema = object({
  input: nameSchema,
  type: v.literal('uint8'),
  /** One for all, or one for each channel. */
  mean: v.pipe(v.array(v.pipe(v.number(), v.finite())), v.minLength(1), v.maxLength(64)),
  scale: v.pipe(v.array(v.pipe(v.number(), v.finite())), v.minLength(1), v.maxLength(64)),
  /** The dimension that counts the channels. Default 1, as in `nchw`. */
  channelAxis: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(7))),
})

export type WireForm = v.InferOutput<typeof wireSchema>
