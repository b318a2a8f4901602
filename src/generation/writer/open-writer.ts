import type { Tensor } from 'onnxruntime-common'
import type { Generation } from '../../contracts/generation.ts'
import { ModelError } from '../../errors/model-error.ts'
import { given } from '../../utils/given.ts'
import { createDecoder, type DecoderSession } from '../decoder/create-decoder.ts'
import type { DecoderShape } from '../decoder/decoder-shape.ts'
import type { KeyValueMemory } from '../decoder/key-value-memory.ts'
import { createRememberedPrefixes } from '../decoder/remembered-prefixes.ts'
import { type ChatTemplate, openChatTemplate } from '../prompt/chat-template.ts'
import { openEnd } from '../prompt/open-end.ts'
import { openTextCodec, type TextCodec } from '../prompt/text-codec.ts'
import { createTextStream } from '../text/text-stream.ts'
import { readToolCalls } from '../text/tool-calls.ts'
import { shownText, writeText } from '../write-text.ts'
import { countRewritten } from './count-rewritten.ts'
import { readPrompt } from './read-prompt.ts'
import { tokensOfAnswer } from './tokens-of-answer.ts'
import type { WriteEnd, WriteEvent, WriteRequest, WrittenLogprobs } from './write-request.ts'
import type { writtenLogprobs } from './written-logprobs.ts'

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
   * @param pause yields to other work between two runs. Its argument: the next run reads the token that was just written;
   *   else it reads a part of the prompt. Default: the writer's own
   * @throws {ValidationError} `text-empty`, `context-full`, `messages-refused`, `options-invalid`
   * @throws {ModelError} `template-failed`
   * @throws the signal's reason, within a run; what the session throws
   */
  write(
    request: WriteRequest,
    onEvent: (event: WriteEvent) => void,
    signal: AbortSignal | undefined,
    pause?: (isToken?: boolean) => Promise<void>,
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
  /** Where a session on a graphics processor has its keys and values. */
  readonly gpuMemory?: ((shape: DecoderShape) => KeyValueMemory) | undefined
  readonly generation: Generation
  readonly files: WriterFiles
  readonly cacheBytes: number
  readonly pause: () => Promise<void>
  /** Says how likely tokens were, where a request asks for it. A browser's worker goes without. */
  readonly logprobs?: typeof writtenLogprobs | undefined
  /** How the session is read. A browser's worker has one text at a time. */
  readonly makeDecoder?: typeof createDecoder | undefined
}): Writer {
  const { session, TensorClass, gpuMemory, generation, files, cacheBytes, pause, makeDecoder = createDecoder } = options
  const { vocabulary, contextTokens } = generation
  const ends: ReadonlySet<number> = new Set(generation.ends)
  const decoder = makeDecoder(session, TensorClass, gpuMemory)
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
      const { ids, droppedMessages, text } = readPrompt(request, { codec, template: templateNow, contextTokens })
      const { moreTokens, shown, ...from } = toBeginning(ids, request, codec)
      const { answer } = from
      const before = answer.length > 0 || shown !== undefined ? { answer, ...given({ shown }) } : {}
      onEvent({ type: 'prompt', ids: from.prompt, droppedMessages, ...given({ text }), ...before })
      const rewriting = countRewritten(request, { shown, written: from.written })
      const all = [...from.answer]
      const chosen: WrittenLogprobs[] = []
      const onChosen = (token: number, logits: Float32Array) => {
        const before = [...ids.slice(-4), ...all.slice(-4)]
        const log = options.logprobs?.(token, logits, { before, count: logprobs ?? 0, codec })
        if (log !== undefined) chosen.push(log)
      }
      let { written } = from
      const writing = writeText({
        decoder,
        prefixes,
        transcript: { ...from, sampling, stops, maxTokens: request.maxTokens + moreTokens },
        decode: codec.decode,
        ends,
        contextTokens,
        first: from.first,
        isEnough: rewriting.isEnough,
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
        const { tokens, text: whole, held } = value
        const logs = chosen.splice(0)
        all.push(...tokens)
        const again = rewriting.take(tokens.length, whole)
        onEvent({
          type: 'text',
          tokens,
          text: whole.slice(written.length),
          held,
          whole: value.whole,
          ...(again > 0 ? { again } : {}),
          ...(logs.length > 0 ? { logprobs: logs } : {}),
        })
        written = written.slice(whole.length)
      }
    },
    forget: () => prefixes.forgetAll(),
  }
}

/** What of these ids is the prompt and what is answer already, and how it goes on. */
function toBeginning(
  ids: readonly number[],
  { prompt, answer, answerText, stops }: WriteRequest,
  codec: TextCodec,
): {
  readonly prompt: readonly number[]
  readonly answer: readonly number[]
  readonly first: ReadonlySet<number> | undefined
  readonly written: string
  readonly shown?: string
  /** Tokens beyond the limit, at most: those that are written anew are none more. */
  readonly moreTokens: number
} {
  if (answerText !== undefined) {
    const { answer: found, text } = tokensOfAnswer(ids, answerText.text, codec)
    // The other one's last token may be half of one that this model knows.
    const {
      ids: left,
      first,
      written,
    } = found.length === 0 ? { ids, first: undefined, written: '' } : openEnd([...ids, ...found], codec)
    const own = left.slice(ids.length)
    // What was not taken is written again: at least a letter with each token.
    const again = found.length - own.length + answerText.text.length - text.length
    const moreTokens = own.length - answerText.tokens + again
    return { prompt: ids, answer: own, first, written, shown: text, moreTokens }
  }
  if (!('messages' in prompt) || prompt.ending !== 'open') {
    const shown = answer.length === 0 ? {} : { shown: shownText({ prompt: ids, answer, stops }, codec.decode) }
    return { prompt: ids, answer, first: undefined, written: '', moreTokens: 0, ...shown }
  }
  const { answerTokens = 0 } = prompt
  const { ids: left, first, written } = openEnd(ids, codec)
  // One of them may have been taken back, and one is the prompt's at least.
  const cut = Math.max(1, Math.min(left.length, ids.length - answerTokens))
  const moreTokens = first === undefined ? 0 : 1
  return { prompt: left.slice(0, cut), answer: [...left.slice(cut), ...answer], first, written, moreTokens }
}

function wholeText(ids: readonly number[], decode: (ids: readonly number[]) => string): string {
  const stream = createTextStream(decode)
  return ids.map((id) => stream.push(id)).join('') + stream.end()
}
