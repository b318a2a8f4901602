import type { GoOn } from '../../../cloud/text/text-server.ts'

/** An answer as far as it is written: whoever has this can go on with it, on either side. */
export interface AnswerState {
  /** The prompt's ids by the model's own tokenizer, and its text as the model reads it, where somebody has told them. */
  promptIds?: readonly number[] | undefined
  promptText?: string | undefined
  /** Ids of the answer by the model's own tokenizer. Undefined once somebody wrote who tells none. */
  ids: readonly number[] | undefined
  /** So many of the ids have text that is whole. */
  whole: number
  /** Tokens that it has. */
  tokens: number
  /** What was shown: none of it is ever taken back. */
  text: string
  /** Written after it and not shown, as it may be the beginning of a stop string. */
  held: string
  droppedMessages: number
}

export const noAnswer = (): AnswerState => ({ ids: [], whole: 0, tokens: 0, text: '', held: '', droppedMessages: 0 })

/** A part that was written. */
export interface AnswerPart {
  /** Follows exactly what was shown. */
  readonly text: string
  /** All that is written behind it and not certain. */
  readonly held: string
  readonly tokens: number
  readonly ids?: readonly number[] | undefined
  /** So many of all ids of the answer have text that is whole. Default: all, where there is more text, shown or held back. */
  readonly whole?: number | undefined
}

/** Where nothing was written, an answer is begun anew without loss. */
export const isBegun = ({ tokens, text, held }: AnswerState): boolean => tokens > 0 || text !== '' || held !== ''

export function addPart(state: AnswerState, { text, held, tokens, ids, whole }: AnswerPart): void {
  const isKnown = state.ids !== undefined && (ids !== undefined || tokens === 0)
  state.ids = isKnown ? [...(state.ids ?? []), ...(ids ?? [])] : undefined
  const hasText = text !== '' || held !== state.held
  state.whole = whole ?? (hasText ? (state.ids?.length ?? 0) : state.whole)
  state.tokens += tokens
  state.text += text
  state.held = held
}

/** The answer as a text server takes it; undefined where nothing was written yet. */
export function toGoOn(state: AnswerState, isSameTokenizer: boolean): GoOn | undefined {
  if (!isBegun(state)) return undefined
  const { text, held, tokens, promptIds, promptText, ids, whole } = state
  const hasIds = isSameTokenizer && promptIds !== undefined && ids !== undefined
  return {
    shown: text,
    held,
    tokens,
    ...(hasIds ? { ids: { prompt: promptIds, answer: ids, whole: Math.min(whole, ids.length) } } : {}),
    ...(promptText === undefined ? {} : { promptText }),
  }
}
