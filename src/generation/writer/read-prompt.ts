import type { ChatMessage } from '../../contracts/chat.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { ChatTemplate } from '../prompt/chat-template.ts'
import type { TextCodec } from '../prompt/text-codec.ts'
import type { WriteRequest } from './write-request.ts'

/** A prompt as the model's tokens. */
export interface ReadPrompt {
  readonly ids: readonly number[]
  /** Messages that were left out to make room. */
  readonly droppedMessages: number
}

/** The place of the oldest message that may be left out: not the system's, not the newest. */
function oldestOf(messages: readonly ChatMessage[]): number | undefined {
  const at = messages.findIndex(({ role }) => role !== 'system')
  return at < 0 || at >= messages.length - 1 ? undefined : at
}

/** Without its oldest turn: a message, and what answers it up to the person's next one. */
function withoutOldestTurn(messages: readonly ChatMessage[]): readonly ChatMessage[] | undefined {
  const from = oldestOf(messages)
  if (from === undefined) return undefined
  const next = messages.findIndex(({ role }, index) => index > from && role === 'user')
  const to = next < 0 ? messages.length - 1 : next
  return [...messages.slice(0, from), ...messages.slice(to)]
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
    const ids = codec.encode(prompt.text, { whole: true, anyLength: whenFull === 'drop-oldest' })
    if (fits(ids, false)) return { ids, droppedMessages: 0 }
    if (whenFull === 'refuse') throw full(ids.length)
    return { ids: ids.slice(ids.length - shortened), droppedMessages: 0 }
  }
  const template = model.template()
  if (template === undefined) {
    throw new ModelError(
      'template-failed',
      'The model takes no conversations: it has no chat template. Give it a "prompt" instead of "messages".',
    )
  }
  let left: readonly ChatMessage[] = prompt.messages
  for (;;) {
    const text = template.render({ messages: left, tools: prompt.tools })
    const isShortened = left !== prompt.messages
    const ids = codec.encode(text, { whole: false, anyLength: whenFull === 'drop-oldest' })
    if (fits(ids, isShortened)) return { ids, droppedMessages: prompt.messages.length - left.length }
    const fewer = whenFull === 'drop-oldest' ? withoutOldestTurn(left) : undefined
    if (fewer === undefined) {
      // What can't be shortened further is taken whole where it fits at all.
      if (fits(ids, false)) return { ids, droppedMessages: prompt.messages.length - left.length }
      throw full(ids.length)
    }
    left = fewer
  }
}
