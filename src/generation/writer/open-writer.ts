import type { Tensor } from 'onnxruntime-common'
import type { Generation } from '../../contracts/generation.ts'
import { ModelError } from '../../errors/model-error.ts'
import { given } from '../../utils/given.ts'
import { createDecoder, type DecoderSession } from '../decoder/create-decoder.ts'
import { createRememberedPrefixes } from '../decoder/remembered-prefixes.ts'
import { type ChatTemplate, openChatTemplate } from '../prompt/chat-template.ts'
import { openTextCodec } from '../prompt/text-codec.ts'
import { createTextStream } from '../text/text-stream.ts'
import { readToolCalls } from '../text/tool-calls.ts'
import { shownText, writeText } from '../write-text.ts'
import { readPrompt } from './read-prompt.ts'
import { type TokensOfAnswer, tokensOfAnswer } from './tokens-of-answer.ts'
import type { AnswerText, WriteEnd, WriteEvent, WriteRequest } from './write-request.ts'

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
   * @throws {ValidationError} `text-empty`, `context-full`, `messages-refused`, `options-invalid`
   * @throws {ModelError} `template-failed`
   * @throws the signal's reason, within a run; what the session throws
   */
  write(request: WriteRequest, onEvent: (event: WriteEvent) => void, signal: AbortSignal | undefined): Promise<WriteEnd>
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
    async write(request, onEvent, signal) {
      const { prompt, sampling, stops, answerText } = request
      const tools = 'messages' in prompt ? (prompt.tools ?? []) : []
      const read = readPrompt(request, { codec, template: templateNow, contextTokens })
      const { ids, droppedMessages, text } = read
      const from = answerText && tokensOfAnswer(ids, answerText.text, codec)
      const answer = from?.answer ?? request.answer
      const maxTokens = request.maxTokens + (answerText && from ? moreTokens(answerText, from) : 0)
      const shown = from?.text ?? shownText({ prompt: ids, answer, stops }, codec.decode)
      const before = answer.length > 0 || answerText !== undefined ? { answer, shown } : {}
      onEvent({ type: 'prompt', ids, droppedMessages, ...given({ text }), ...before })
      const all = [...answer]
      const writing = writeText({
        decoder,
        prefixes,
        transcript: { prompt: ids, answer, sampling, stops, maxTokens },
        decode: codec.decode,
        ends,
        contextTokens,
        signal,
        pause,
        onRead: (progress) => onEvent({ type: 'read', ...progress }),
      })
      for (;;) {
        const { done, value } = await writing.next()
        if (done) {
          if (tools.length === 0 || value.reason !== 'stop') return { reason: value.reason }
          const names = tools.map(({ name }) => name)
          const calls = readToolCalls(wholeText(all, codec.decode), names)
          return calls.length > 0 ? { reason: 'tool-calls', toolCalls: calls } : { reason: value.reason }
        }
        all.push(...value.tokens)
        onEvent({ type: 'text', ...value })
      }
    },
    forget: () => prefixes.forgetAll(),
  }
}

/** Tokens that a text had taken before are counted as they were then; what is written again is none more, at least a letter a token. */
const moreTokens = ({ text, tokens }: AnswerText, taken: TokensOfAnswer) =>
  taken.answer.length - tokens + text.length - taken.text.length

function wholeText(ids: readonly number[], decode: (ids: readonly number[]) => string): string {
  const stream = createTextStream(decode)
  return ids.map((id) => stream.push(id)).join('') + stream.end()
}
