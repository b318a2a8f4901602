import * as v from 'valibot'
import { chatMessageSchema, toolSchema } from '../../contracts/chat.ts'
import type { Generation } from '../../contracts/generation.ts'
import { object, strictObject } from '../../contracts/object-schemas.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { defaultSampling, type Sampling } from '../../generation/sampling/sampling.ts'
import type { Prompt } from '../../generation/writer/write-request.ts'
import { given } from '../../utils/given.ts'
import { parseCallOptions, policyEntries, signalSchema, toSentence } from '../options/option-schemas.ts'
import type { GenerateInput, GenerateOptions } from '../types/generate-types.ts'

const number = (least: number, most: number) => v.pipe(v.number(), v.finite(), v.minValue(least), v.maxValue(most))
const whole = (least: number, most: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most))
const stopSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(500))

const optionsSchema = strictObject({
  ...policyEntries,
  signal: signalSchema,
  maxTokens: v.optional(whole(1, 1_000_000)),
  temperature: v.optional(number(0, 100)),
  topK: v.optional(whole(0, 1_000_000)),
  topP: v.optional(number(0, 1)),
  minP: v.optional(number(0, 1)),
  repetitionPenalty: v.optional(number(0.01, 100)),
  presencePenalty: v.optional(number(-100, 100)),
  frequencyPenalty: v.optional(number(-100, 100)),
  seed: v.optional(whole(0, Number.MAX_SAFE_INTEGER)),
  stop: v.optional(v.union([stopSchema, v.pipe(v.array(stopSchema), v.maxLength(16))])),
  whenFull: v.optional(v.picklist(['refuse', 'drop-oldest'])),
  journal: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(100))),
  firstTokenMs: v.optional(number(1, Number.MAX_SAFE_INTEGER)),
})

const inputSchema = v.union([
  strictObject({ prompt: v.string() }),
  strictObject({
    messages: v.pipe(v.array(chatMessageSchema), v.minLength(1, 'a conversation has at least one message')),
    tools: v.optional(v.pipe(v.array(toolSchema), v.maxLength(128))),
  }),
])

/** @throws {ValidationError} `options-invalid`, naming the option */
export const parseGenerateOptions = (options: unknown): GenerateOptions => parseCallOptions(optionsSchema, options)

/** @throws {ValidationError} `options-invalid`: it is neither a text nor a conversation, and why */
export function parseGenerateInput(input: GenerateInput | unknown): Prompt {
  const isChat = v.is(object({ messages: v.unknown() }), input)
  const parsed = v.safeParse(isChat ? inputSchema.options[1] : inputSchema.options[0], input)
  if (!parsed.success) {
    throw new ValidationError('options-invalid', `This is nothing to answer. ${toSentence(parsed.issues)}.`)
  }
  const { output } = parsed
  return 'prompt' in output ? { text: output.prompt } : output
}

/** @param seed where the options have none */
export function samplingOf(options: GenerateOptions, generation: Generation, seed: number): Sampling {
  const { temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty } = options
  return {
    ...defaultSampling,
    ...given({ ...generation.sampling }),
    ...given({ temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty }),
    seed: options.seed ?? seed,
  }
}
