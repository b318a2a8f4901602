import type { ChatMessage } from '../../contracts/chat.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { ChatTemplate } from '../prompt/chat-template.ts'
import { type TextCodec, unitsPerToken } from '../prompt/text-codec.ts'
import type { WriteRequest } from './write-request.ts'

/** A prompt as the model's tokens. */
export interface ReadPrompt {
  readonly ids: readonly number[]
  /** Messages that were left out to make room. */
  readonly droppedMessages: number
}

/**
 * A conversation as it is, without its oldest turn, without the two oldest, and so on. The system's words and the newest
 * message stay. A turn is a message, and what answers it up to the person's next one.
 */
function shortenings(messages: readonly ChatMessage[]): readonly (() => readonly ChatMessage[])[] {
  const from = messages.findIndex(({ role }) => role !== 'system')
  const last = messages.length - 1
  if (from < 0 || from >= last) return [() => messages]
  const turns = messages.flatMap(({ role }, index) =>
    index > from && (role === 'user' || index === last) ? [index] : [],
  )
  return [from, ...turns].map((start) => () => [...messages.slice(0, from), ...messages.slice(start)])
}

/** The first of so many that is right, where all after a right one are. */
function firstRight(count: number, isRight: (index: number) => boolean): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (isRight(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/**
 * Turns a prompt into tokens that leave room for an answer.
 *
 * @throws {ValidationError} `text-empty`; `messages-refused`; `context-full`, with the numbers, where it leaves no room
 *   for a single token
 * @throws {ModelError} `template-failed`; or the model has none, and a conversation was given
 */
export function readPrompt(
  { prompt, maxTokens, whenFull }: Pick<WriteRequest, 'prompt' | 'maxTokens' | 'whenFull'>,
  model: {
    readonly codec: TextCodec
    /** Opens its template; undefined where it has none. */
    readonly template: () => ChatTemplate | undefined
    readonly contextTokens: number
  },
): ReadPrompt {
  const { codec, contextTokens } = model
  const full = (promptTokens: number) =>
    new ValidationError(
      'context-full',
      `The prompt has ${promptTokens} tokens, and the model can look back on ${contextTokens}. Shorten it, or allow its beginning to be dropped.`,
      { context: { promptTokens, contextTokens, maxTokens } },
    )
  // A shortened prompt leaves the answer its room, up to half of the context.
  const shortened = contextTokens - Math.min(maxTokens, Math.floor(contextTokens / 2))
  const fits = ({ length }: readonly number[], isShortened: boolean) =>
    length <= (isShortened ? shortened : contextTokens - 1)

  if ('ids' in prompt) {
    if (prompt.ids.length === 0) throw new ValidationError('text-empty', 'There is no text to go on with.')
    if (prompt.ids.length >= contextTokens) throw full(prompt.ids.length)
    return { ids: prompt.ids, droppedMessages: 0 }
  }
  if ('text' in prompt) {
    if (whenFull === 'refuse') {
      const ids = codec.encode(prompt.text, { whole: true })
      if (!fits(ids, false)) throw full(ids.length)
      return { ids, droppedMessages: 0 }
    }
    const ids = codec.encodeEnd(prompt.text, { whole: true, most: contextTokens })
    return { ids: fits(ids, false) ? ids : ids.slice(ids.length - shortened), droppedMessages: 0 }
  }
  const template = model.template()
  if (template === undefined) {
    throw new ModelError(
      'template-failed',
      'The model takes no conversations: it has no chat template. Give it a "prompt" instead of "messages".',
    )
  }
  const { messages, tools, ending } = prompt
  const write = (left: readonly ChatMessage[]) => template.render({ messages: left, tools, ending })
  if (whenFull === 'refuse') {
    const ids = codec.encode(write(messages), { whole: false })
    if (!fits(ids, false)) throw full(ids.length)
    return { ids, droppedMessages: 0 }
  }
  const lefts = shortenings(messages)
  /** What is left of it as tokens; undefined where that is more than the context, whatever its tokens. */
  const idsAt = (index: number): readonly number[] | undefined => {
    const left = lefts[index]?.() ?? []
    const characters = left.reduce((sum, { content }) => sum + content.length, 0)
    if (characters > contextTokens * unitsPerToken) return undefined
    const ids = codec.encodeEnd(write(left), { whole: false, most: contextTokens })
    return ids.length < contextTokens ? ids : undefined
  }
  const isRight = (index: number) => {
    const ids = idsAt(index)
    return ids !== undefined && fits(ids, index > 0)
  }
  const index = isRight(0) ? 0 : Math.min(1 + firstRight(lefts.length - 1, (at) => isRight(at + 1)), lefts.length - 1)
  // What can't be shortened further is taken whole where it fits at all.
  const ids = idsAt(index)
  if (ids === undefined) throw full(codec.encode(write(lefts[index]?.() ?? []), { whole: false }).length)
  return { ids, droppedMessages: messages.length - (lefts[index]?.() ?? []).length }
}
