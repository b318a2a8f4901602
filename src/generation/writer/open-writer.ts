import type { Tensor } from 'onnxruntime-common'
import type { Generation } from '../../contracts/generation.ts'
import { ModelError } from '../../errors/model-error.ts'
import { createDecoder, type DecoderSession } from '../decoder/create-decoder.ts'
import { createRememberedPrefixes } from '../decoder/remembered-prefixes.ts'
import { type ChatTemplate, openChatTemplate } from '../prompt/chat-template.ts'
import { openEnd } from '../prompt/open-end.ts'
import { openTextCodec, type TextCodec } from '../prompt/text-codec.ts'
import { type TokenLogprobs, tokenLogprobs } from '../sampling/token-logprobs.ts'
import { createTextStream } from '../text/text-stream.ts'
import { readToolCalls } from '../text/tool-calls.ts'
import { writeText } from '../write-text.ts'
import { readPrompt } from './read-prompt.ts'
import type { Prompt, WriteEnd, WriteEvent, WriteRequest, WrittenLogprobs } from './write-request.ts'

/** Texts of a language model's files. */
export interface WriterFiles {
  /** `tokenizer.json`. */
  readonly tokenizer: string
  /** `tokenizer_config.json`. */
  readonly tokenizerConfig?: string | undefined
  /** `chat_template.jinja`. */
  readonly chatTemplate?: string | undefined
}

/** A language model that writes. */
export interface Writer {
  /**
   * Writes an answer, or goes on with one.
   *
   * @param onEvent told what comes, in order; never after the answer has ended
   * @param pause lets others have their turn between two of its runs. Default: the writer's own
   * @throws {ValidationError} `text-empty`, `context-full`, `messages-refused`, `options-invalid`
   * @throws {ModelError} `template-failed`
   * @throws the signal's reason, within a run; what the session throws
   */
  write(
    request: WriteRequest,
    onEvent: (event: WriteEvent) => void,
    signal: AbortSignal | undefined,
    pause?: () => Promise<void>,
  ): Promise<WriteEnd>
  /** Forgets the keys and values of all conversations. */
  forget(): void
}

interface TokenizerConfig {
  readonly bos_token?: unknown
  readonly eos_token?: unknown
  readonly chat_template?: unknown
}

/** A special token is written as its text, or as an object that has it. */
function tokenText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  const content = (value as { readonly content?: unknown } | null | undefined)?.content
  return typeof content === 'string' ? content : undefined
}

/** Some models have several templates by name; `default` is the one for conversations. */
function templateOf({ chat_template: template }: TokenizerConfig): string | undefined {
  if (!Array.isArray(template)) return typeof template === 'string' ? template : undefined
  return template.find((each) => each?.name === 'default')?.template
}

function parseJson(text: string | undefined, what: string): unknown {
  if (text === undefined) return {}
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ModelError('tokenizer-unfit', `The model's ${what} is no JSON.`, { cause })
  }
}

/**
 * Opens a language model over a session of onnxruntime.
 *
 * @param options.session its `run` may wait for its turn among other models' runs
 * @param options.cacheBytes that keys and values of earlier conversations may take
 * @param options.pause lets messages that have come be read, between two runs
 * @throws {ModelError} `tokenizer-unfit`; `model-load-failed`: the graph is no decoder whose form is known
 */
export function openWriter(options: {
  readonly session: DecoderSession
  readonly TensorClass: typeof Tensor
  /** The graphics processor that the session is on. */
  readonly device?: GPUDevice | undefined
  readonly generation: Generation
  readonly files: WriterFiles
  readonly cacheBytes: number
  readonly pause: () => Promise<void>
}): Writer {
  const { session, TensorClass, device, generation, files, cacheBytes, pause } = options
  const { vocabulary, contextTokens } = generation
  const ends: ReadonlySet<number> = new Set(generation.ends)
  const decoder = createDecoder(session, TensorClass, device)
  if (typeof decoder === 'string') {
    throw new ModelError('model-load-failed', `The model is no language model that Hither can run: ${decoder}.`)
  }
  const prefixes = createRememberedPrefixes(cacheBytes, decoder.release)
  const config = parseJson(files.tokenizerConfig, 'tokenizer_config.json') as TokenizerConfig
  const codec = openTextCodec(
    { tokenizer: parseJson(files.tokenizer, 'tokenizer.json'), config },
    { vocabulary, contextTokens },
  )
  let template: ChatTemplate | undefined
  const templateNow = () => {
    const source = files.chatTemplate ?? templateOf(config)
    if (source === undefined) return undefined
    const tokens = { bos: tokenText(config.bos_token), eos: tokenText(config.eos_token) }
    template ??= openChatTemplate(source, tokens)
    return template
  }

  return {
    async write(request, onEvent, signal, ownPause = pause) {
      const { prompt, sampling, stops, logprobs } = request
      const tools = 'messages' in prompt ? (prompt.tools ?? []) : []
      const { ids, droppedMessages } = readPrompt(request, { codec, template: templateNow, contextTokens })
      const from = toBeginning(ids, request, codec)
      const { answer } = from
      onEvent({ type: 'prompt', ids: from.prompt, ...(answer.length > 0 ? { answer } : {}), droppedMessages })
      const all = [...from.answer]
      const chosen: TokenLogprobs[] = []
      const onChosen = (token: number, logits: Float32Array) => chosen.push(tokenLogprobs(logits, token, logprobs ?? 0))
      let { written } = from
      const writing = writeText({
        decoder,
        prefixes,
        // A token that is written anew is none more.
        transcript: { ...from, sampling, stops, maxTokens: request.maxTokens + (from.first === undefined ? 0 : 1) },
        decode: codec.decode,
        ends,
        contextTokens,
        first: from.first,
        signal,
        pause: ownPause,
        onRead: (progress) => onEvent({ type: 'read', ...progress }),
        onChosen: logprobs === undefined ? undefined : onChosen,
      })
      for (;;) {
        const { done, value } = await writing.next()
        if (done) {
          if (tools.length === 0 || value.reason !== 'stop') return { reason: value.reason }
          const names = tools.map(({ name }) => name)
          const calls = readToolCalls(wholeText(all, codec.decode), names)
          return calls.length > 0 ? { reason: 'tool-calls', toolCalls: calls } : { reason: value.reason }
        }
        const { tokens, text } = value
        const logs = chosen.splice(0).map((each) => toWritten(each, [...ids.slice(-4), ...all.slice(-4)], codec))
        all.push(...tokens)
        onEvent({
          type: 'text',
          tokens,
          text: text.slice(written.length),
          ...(logs.length > 0 ? { logprobs: logs } : {}),
        })
        written = written.slice(text.length)
      }
    },
    forget: () => prefixes.forgetAll(),
  }
}

/** What of these ids is the prompt and what is answer already, and how it goes on. */
function toBeginning(
  ids: readonly number[],
  { prompt, answer }: { readonly prompt: Prompt; readonly answer: readonly number[] },
  codec: TextCodec,
) {
  if (!('messages' in prompt) || prompt.ending !== 'open') {
    return { prompt: ids, answer, first: undefined, written: '' }
  }
  const { answerTokens = 0 } = prompt
  const { ids: left, first, written } = openEnd(ids, codec)
  // One of them may have been taken back, and one is the prompt's at least.
  const cut = Math.max(1, Math.min(left.length, ids.length - answerTokens))
  return { prompt: left.slice(0, cut), answer: [...left.slice(cut), ...answer], first, written }
}

/** Tokens have their text in a place: a word's first one has no blank at the beginning of a text. */
function toWritten(
  { token, logprob, top }: TokenLogprobs,
  before: readonly number[],
  codec: TextCodec,
): WrittenLogprobs {
  const known = codec.decode(before)
  const textOf = (id: number) => codec.decode([...before, id]).slice(known.length)
  return {
    text: textOf(token),
    logprob,
    top: top.map((each) => ({ text: textOf(each.token), logprob: each.logprob })),
  }
}

function wholeText(ids: readonly number[], decode: (ids: readonly number[]) => string): string {
  const stream = createTextStream(decode)
  return ids.map((id) => stream.push(id)).join('') + stream.end()
}
