import * as v from 'valibot'
import { looseObject } from '../../contracts/object-schemas.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { given } from '../../utils/given.ts'
import type { StreamEvent } from './event-reader.ts'

/** Tokens as a server counts them. */
export interface TextUsage {
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly answerTokens: number
  readonly reasoningTokens: number
}

/** A piece of a call that the model asks for. */
export interface ToolCallDelta {
  readonly index: number
  readonly id?: string
  readonly name?: string
  readonly arguments: string
}

export type TextFinish = 'stop' | 'length' | 'tool-calls' | 'content-filter'

/** What one event of OpenAI's streams says, chat and completions alike; a whole answer in one piece reads the same. */
export interface TextChunk {
  readonly text: string
  readonly reasoning: string
  readonly toolCalls: readonly ToolCallDelta[]
  readonly finish?: TextFinish
  /** The stop string that ended it, where the server says which. */
  readonly stopString?: string
  /** Ids of this piece's tokens, and of the prompt's. Source: vLLM's `return_token_ids` */
  readonly ids?: readonly number[]
  readonly promptIds?: readonly number[]
  readonly usage?: TextUsage
  /** Source: llama.cpp's `timings` */
  readonly timings?: { readonly promptMs?: number; readonly answerMs?: number }
  readonly fingerprint?: string
  readonly model?: string
}

const wholeSchema = v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(0)))
// One check for all of them: a schema for each takes ten times as long.
const idsSchema = v.nullish(
  v.custom<readonly number[]>(
    (ids) => Array.isArray(ids) && ids.every((id: unknown) => Number.isSafeInteger(id) && (id as number) >= 0),
  ),
)
const textSchema = v.nullish(v.string())
const msSchema = v.nullish(v.pipe(v.number(), v.finite(), v.minValue(0)))

/** Mistral's models that think give content in parts. */
const partSchema = looseObject({
  type: textSchema,
  text: textSchema,
  thinking: v.nullish(v.array(looseObject({ text: textSchema }))),
})

const messageSchema = looseObject({
  content: v.nullish(v.union([v.string(), v.array(partSchema)])),
  refusal: textSchema,
  // vLLM, llama.cpp, DeepSeek and SGLang; Ollama and newer vLLM.
  reasoning_content: textSchema,
  reasoning: textSchema,
  tool_calls: v.nullish(
    v.array(
      looseObject({
        index: wholeSchema,
        id: textSchema,
        function: v.nullish(
          looseObject({ name: textSchema, arguments: v.nullish(v.union([v.string(), looseObject({})])) }),
        ),
      }),
    ),
  ),
})

const choiceSchema = looseObject({
  index: wholeSchema,
  delta: v.nullish(messageSchema),
  message: v.nullish(messageSchema),
  text: textSchema,
  finish_reason: textSchema,
  // vLLM: the stop string, or the token that ended it.
  stop_reason: v.nullish(v.union([v.string(), v.number()])),
  token_ids: idsSchema,
  prompt_token_ids: idsSchema,
})

const chunkSchema = looseObject({
  choices: v.array(choiceSchema),
  model: textSchema,
  system_fingerprint: textSchema,
  prompt_token_ids: idsSchema,
  usage: v.nullish(
    looseObject({
      prompt_tokens: wholeSchema,
      completion_tokens: wholeSchema,
      prompt_tokens_details: v.nullish(looseObject({ cached_tokens: wholeSchema })),
      completion_tokens_details: v.nullish(looseObject({ reasoning_tokens: wholeSchema })),
    }),
  ),
  timings: v.nullish(looseObject({ prompt_ms: msSchema, predicted_ms: msSchema })),
})

type Chunk = v.InferOutput<typeof chunkSchema>
type Message = v.InferOutput<typeof messageSchema>

/** All but these mean that the model has ended its answer. */
const finishes: ReadonlyMap<string, TextFinish> = new Map([
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['model_length', 'length'],
  ['tool_calls', 'tool-calls'],
  ['function_call', 'tool-calls'],
  ['content_filter', 'content-filter'],
])
/** The server gave up in the middle. */
const cuts: ReadonlySet<string> = new Set(['abort', 'aborted', 'cancelled', 'error'])

/** The error of an answer that has no end. */
export const cutOff = (cause?: unknown): CloudError =>
  new CloudError('cloud-bad-response', "The endpoint's answer was cut off in its middle.", {
    ...given({ cause }),
    context: { cutOff: true },
  })

const nonsense = (cause?: unknown): CloudError =>
  new CloudError('cloud-bad-response', 'The endpoint answered with something that is no text of a model.', {
    ...given({ cause }),
  })

/**
 * Reads an event of a stream of OpenAI's chat or completions API.
 *
 * @throws {CloudError} `cloud-bad-response`: it is neither; with `context.cutOff`: the server says that it has given up.
 *   `cloud-overloaded`, `cloud-refused`, `cloud-failed`: the event is an error
 */
export function parseTextEvent({ event, data }: StreamEvent): TextChunk | 'done' {
  if (data.trim() === '[DONE]') return 'done'
  const json = parseJson(data)
  if (event === 'error') throw toEventError(json)
  return parseTextChunk(json)
}

/** Reads a whole answer, or one event's JSON. @throws {CloudError} as `parseTextEvent` */
export function parseTextChunk(json: unknown): TextChunk {
  if (isError(json)) throw toEventError(json)
  const parsed = v.safeParse(chunkSchema, json)
  if (!parsed.success) throw nonsense()
  const chunk = parsed.output
  // Only the first of several answers is of use.
  const choice = chunk.choices.find(({ index }) => (index ?? 0) === 0)
  const message = choice?.delta ?? choice?.message ?? undefined
  const finish = choice?.finish_reason ?? ''
  if (cuts.has(finish)) throw cutOff()
  const { content, reasoning } = message === undefined ? { content: '', reasoning: '' } : textsOf(message)
  return {
    text: (choice?.text ?? '') + content,
    reasoning,
    toolCalls: (message?.tool_calls ?? []).map(({ index, id, function: called }, at) => ({
      index: index ?? at,
      ...given({ id: id ?? undefined, name: called?.name ?? undefined }),
      arguments: toJson(called?.arguments),
    })),
    ...given({
      finish: finish === '' ? undefined : (finishes.get(finish) ?? 'stop'),
      stopString: typeof choice?.stop_reason === 'string' ? choice.stop_reason : undefined,
      ids: choice?.token_ids ?? undefined,
      promptIds: chunk.prompt_token_ids ?? choice?.prompt_token_ids ?? undefined,
      usage: usageOf(chunk),
      timings: timingsOf(chunk),
      fingerprint: chunk.system_fingerprint ?? undefined,
      model: chunk.model ?? undefined,
    }),
  }
}

function textsOf({ content, refusal, reasoning_content: thought, reasoning }: Message) {
  const parts = Array.isArray(content) ? content : []
  const thinking = parts.flatMap((part) => part.thinking ?? []).map(({ text }) => text ?? '')
  const own = typeof content === 'string' ? content : parts.map(({ text }) => text ?? '').join('')
  return { content: own + (refusal ?? ''), reasoning: (thought ?? reasoning ?? '') + thinking.join('') }
}

const toJson = (given: unknown): string =>
  typeof given === 'string' ? given : given === undefined || given === null ? '' : JSON.stringify(given)

function usageOf({ usage }: Chunk): TextUsage | undefined {
  if (usage === undefined || usage === null) return undefined
  return {
    promptTokens: usage.prompt_tokens ?? 0,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    answerTokens: usage.completion_tokens ?? 0,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  }
}

function timingsOf({ timings }: Chunk): TextChunk['timings'] | undefined {
  if (timings === undefined || timings === null) return undefined
  return given({ promptMs: timings.prompt_ms ?? undefined, answerMs: timings.predicted_ms ?? undefined })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw nonsense(cause)
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

const isError = (json: unknown): boolean =>
  isObject(json) && ((json.error !== undefined && json.error !== null) || json.object === 'error')

/** Longer reasons may be a stack trace. */
const maxReason = 300

/** What a server says went wrong after it has begun to answer: in OpenAI's form, in vLLM's old one, or as plain text. */
function toEventError(json: unknown): CloudError {
  const error = isObject(json) && json.error !== undefined ? json.error : json
  const { message, code, status, type } = isObject(error)
    ? error
    : { message: error, code: undefined, status: undefined, type: undefined }
  if (code === 'cut_off') return cutOff()
  const reason = typeof message === 'string' ? message.slice(0, maxReason) : ''
  const saying = reason === '' ? '' : `: ${reason}`
  const number = [code, status].map(Number).find((value) => value >= 400 && value < 600)
  const context = { ...given({ status: number }), ...(reason === '' ? {} : { reason }) }
  if (number === 429 || number === 503 || /overloaded|rate_limit/.test(`${String(code)} ${String(type)}`)) {
    return new CloudError('cloud-overloaded', `The endpoint is too busy right now${saying}`, { context })
  }
  if (number !== undefined && number < 500) {
    return new CloudError('cloud-refused', `The endpoint refused the request${saying}`, { context })
  }
  return new CloudError('cloud-failed', `The endpoint failed while it wrote${saying}`, { context })
}
