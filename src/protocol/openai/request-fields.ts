import * as v from 'valibot'
import { ValidationError } from '../../errors/validation-error.ts'

/** Of one request: what is more is nobody's. */
export const requestBounds = {
  stops: 16,
  stopCharacters: 500,
  messages: 10_000,
  tools: 128,
  /** Characters of all tools, as JSON. */
  toolCharacters: 256 * 1024,
  topLogprobs: 20,
}

// `null` stands for "absent" in requests of clients that are written in Python.
const optional = <S extends v.GenericSchema>(schema: S) =>
  v.pipe(
    v.nullish(schema),
    v.transform((value) => value ?? undefined),
  )
const number = (least: number, most: number) => optional(v.pipe(v.number(), v.minValue(least), v.maxValue(most)))
const whole = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  optional(v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most)))
const flag = optional(v.boolean())
const stop = v.pipe(v.string(), v.minLength(1), v.maxLength(requestBounds.stopCharacters))

/** An array of token ids. One check for all of them: a schema for each would take ten times as long. */
export const tokenIdsSchema = v.custom<readonly number[]>(
  (input) =>
    Array.isArray(input) && input.length > 0 && input.every((id) => Number.isSafeInteger(id) && (id as number) >= 0),
  'must be token ids',
)

export const fields = { optional, number, whole, flag }

/** What requests for chats and for completions have in common. */
export const writingEntries = {
  model: v.string(),
  stream: flag,
  stream_options: optional(v.object({ include_usage: flag })),
  max_tokens: whole(1),
  temperature: number(0, 100),
  top_p: number(0, 1),
  // vLLM writes -1 for all, llama.cpp 0.
  top_k: whole(-1),
  min_p: number(0, 1),
  repetition_penalty: number(0.01, 100),
  presence_penalty: number(-100, 100),
  frequency_penalty: number(-100, 100),
  seed: whole(Number.MIN_SAFE_INTEGER),
  stop: optional(v.union([stop, v.pipe(v.array(stop), v.maxLength(requestBounds.stops))])),
  return_token_ids: flag,
  hither_answer_tokens: whole(0),
  hither_resumable: flag,
}

/** How an answer is written and told. What the request leaves out is the server's to choose. */
export interface WritingOptions {
  readonly model: string
  readonly stream: boolean
  readonly includeUsage: boolean
  readonly maxTokens?: number | undefined
  readonly temperature?: number | undefined
  readonly topP?: number | undefined
  readonly topK?: number | undefined
  readonly minP?: number | undefined
  readonly repetitionPenalty?: number | undefined
  readonly presencePenalty?: number | undefined
  readonly frequencyPenalty?: number | undefined
  readonly seed?: number | undefined
  readonly stops: readonly string[]
  /** Likeliest tokens to tell with each; absent: no probabilities. */
  readonly logprobs?: number | undefined
  /** Whether the ids of prompt and answer are told. */
  readonly returnTokenIds: boolean
  /** How many of the prompt's last tokens are the beginning of this answer. */
  readonly answerTokens: number
  /** Whether the answer is written on when its reader has gone. */
  readonly resumable: boolean
}

type WritingFields = v.InferOutput<v.ObjectSchema<typeof writingEntries, undefined>>

export function toWritingOptions(given: WritingFields): Omit<WritingOptions, 'logprobs'> {
  return {
    model: given.model,
    stream: given.stream === true,
    includeUsage: given.stream_options?.include_usage === true,
    maxTokens: given.max_tokens,
    temperature: given.temperature,
    topP: given.top_p,
    topK: given.top_k === undefined ? undefined : Math.max(0, given.top_k),
    minP: given.min_p,
    repetitionPenalty: given.repetition_penalty,
    presencePenalty: given.presence_penalty,
    frequencyPenalty: given.frequency_penalty,
    seed: given.seed,
    stops: given.stop === undefined ? [] : [given.stop].flat(),
    returnTokenIds: given.return_token_ids === true,
    answerTokens: given.hither_answer_tokens ?? 0,
    resumable: given.hither_resumable === true,
  }
}

const isSet = (value: unknown) => value !== undefined && value !== null && value !== false
const isFull = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length > 0
const isOther = (usual: unknown) => (value: unknown) => isSet(value) && value !== usual

/** Fields that would change the answer and are not offered; of other fields that are not known nothing is said. */
const notOffered: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: isOther(1),
  best_of: isOther(1),
  response_format: (value) => isSet(value) && (value as { type?: unknown }).type !== 'text',
  logit_bias: isFull,
  echo: isSet,
  suffix: isSet,
  functions: isSet,
  function_call: isSet,
  audio: isSet,
  modalities: (value) => isSet(value) && JSON.stringify(value) !== '["text"]',
  web_search_options: isSet,
  stop_token_ids: isFull,
  min_tokens: isOther(0),
  ignore_eos: isSet,
  prompt_logprobs: isSet,
  use_beam_search: isSet,
  bad_words: isFull,
  allowed_token_ids: isFull,
  structured_outputs: isSet,
  guided_json: isSet,
  guided_regex: isSet,
  guided_choice: isSet,
  guided_grammar: isSet,
}

const why: Readonly<Record<string, string>> = {
  n: 'One answer is written for a request: ask again for another one',
  best_of: 'One answer is written for a request: ask again for another one',
  response_format: 'Only answers in plain text are offered, and no JSON by a schema',
}

const invalid = (param: string, message: string) =>
  new ValidationError('options-invalid', message, { context: { param } })

/** @throws {ValidationError} `options-invalid`, with `context.param` */
export function refuseField(param: string, sentence: string): never {
  throw invalid(param, sentence)
}

/**
 * Reads the JSON of a request.
 *
 * @throws {ValidationError} `options-invalid`, with `context.param`: a field is not what it should be, or asks for what
 *   is not offered
 */
export function parseFields<S extends v.GenericSchema>(schema: S, body: unknown): v.InferOutput<S> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('', 'The body is no JSON object.')
  for (const [name, isUnusual] of Object.entries(notOffered)) {
    if (!Object.hasOwn(body, name) || !isUnusual((body as Record<string, unknown>)[name])) continue
    throw invalid(name, `"${name}" is not offered. ${why[name] ?? 'Leave it out'}.`)
  }
  const parsed = v.safeParse(schema, body, { abortEarly: true })
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  const param = v.getDotPath(issue) ?? ''
  throw invalid(param, `"${param || 'the body'}": ${issue.message.replace(/\.$/, '')}.`)
}
