import type { TextModelFacts } from '../../../../cloud/text/text-server.ts'
import type { TextChunk } from '../../../../protocol/text-server/text-chunk.ts'
import type { TextRequest } from './text-request.ts'

/** Characters of an answer, and ids, that are remembered: a longer one is not gone on with. */
const mostCharacters = 1024 * 1024
const mostIds = 512 * 1024

/** A piece of an answer that was given on to the client. */
export interface ShownPiece {
  readonly text: string
  /** Text that was written and is not certain yet. */
  readonly held: string
  readonly tokens: number
  readonly ids: readonly number[] | undefined
}

/** An answer so far, as its client has it: all that whoever goes on needs to know. */
export interface AnswerRecord {
  /** Its text, what the client itself gave included. */
  readonly shown: string
  readonly held: string
  readonly tokens: number
  /** Of these, those that servers have written. */
  readonly written: number
  /** Of the prompt as the client has sent it; undefined while no server has said it. */
  readonly promptTokens: number | undefined
  /** Ids of prompt and answer, where all are known; so many of the answer's, and of the text's characters, are whole. */
  readonly ids:
    | {
        readonly prompt: readonly number[]
        readonly answer: readonly number[]
        readonly whole: number
        readonly wholeText: number
      }
    | undefined
  /** Nothing of it was given on. */
  readonly isEmpty: boolean
  /** The model thought before it wrote. */
  readonly hasReasoned: boolean
  /** It has come to its end. */
  readonly isEnded: boolean
  /** It can be gone on with from where it is. */
  readonly canGoOn: boolean
  /** Another server writes: from the answer's beginning, or on from its ids or its text. */
  begins(from: 'start' | 'ids' | 'text'): void
  /** The prompt as a server counts it, or its ids. */
  hasPrompt(prompt: { readonly tokens?: number | undefined; readonly ids?: readonly number[] | undefined }): void
  /** An event was given on that is no text: of thoughts, of a call, of the end. */
  passed(chunk: TextChunk): void
  shows(piece: ShownPiece): void
  /** It can't be followed any more. */
  forget(): void
}

/** Is the end of this text within marks that open a model's thoughts or a call, and close them again? */
function isInMarks(text: string): boolean {
  return ['think', 'thinking', 'tool_call'].some(
    (name) => text.lastIndexOf(`<${name}>`) > text.lastIndexOf(`</${name}>`),
  )
}

const isSame = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((id, at) => id === b[at])

/** Do both split a text into the same ids? */
export function haveSameIds(a: TextModelFacts, b: TextModelFacts): boolean {
  if (a === b) return true
  if (a.tokenizer !== undefined && b.tokenizer !== undefined) return a.tokenizer === b.tokenizer
  const [one, other] = [a.tokensOf, b.tokensOf]
  return one !== undefined && other !== undefined && one.text === other.text && isSame(one.ids, other.ids)
}

export function createAnswerRecord({ begun, ids: given, answerTokens, prompt }: TextRequest): AnswerRecord {
  let shown = begun
  let held = ''
  let tokens = answerTokens
  let promptTokens: number | undefined
  let promptIds: readonly number[] | undefined = answerTokens > 0 ? given.slice(0, -answerTokens) : undefined
  const ids: number[] = answerTokens > 0 ? given.slice(-answerTokens) : []
  // What a client gave as text has no ids that are known.
  let areIdsKnown = begun === ''
  let [whole, wholeText] = [ids.length, 0]
  let [isEmpty, hasReasoned, hasCalled, isEnded, isForgotten] = [true, false, false, false, false]

  const forget = () => {
    isForgotten = true
    shown = ''
    held = ''
    ids.length = 0
    areIdsKnown = false
  }

  return {
    get shown() {
      return shown
    },
    get held() {
      return held
    },
    get tokens() {
      return tokens
    },
    get written() {
      return tokens - answerTokens
    },
    get promptTokens() {
      return promptTokens ?? (promptIds && promptIds.length + answerTokens)
    },
    get ids() {
      return areIdsKnown && promptIds !== undefined ? { prompt: promptIds, answer: ids, whole, wholeText } : undefined
    },
    get isEmpty() {
      return isEmpty
    },
    get hasReasoned() {
      return hasReasoned
    },
    get isEnded() {
      return isEnded
    },
    get canGoOn() {
      const isInside = hasCalled || isInMarks(shown + held) || (hasReasoned && shown === begun)
      return !isForgotten && !isEnded && !isInside
    },
    begins(from) {
      if (from === 'ids') return
      areIdsKnown = from === 'start' && begun === '' && answerTokens === 0
      if (from === 'text' || shown !== begun) return
      // Ids whose text was not shown: half of a character, or blanks that are written again.
      ids.length = 0
      tokens = 0
      held = ''
      ;[whole, wholeText] = [0, 0]
    },
    hasPrompt({ tokens: count, ids: all }) {
      promptTokens ??= count
      // A completion's prompt may have an answer's beginning in it.
      if (prompt !== 'ids' || answerTokens === 0) promptIds ??= all
    },
    passed({ reasoning, toolCalls, finish }) {
      isEmpty = false
      hasReasoned ||= reasoning !== ''
      hasCalled ||= toolCalls.length > 0
      isEnded ||= finish !== undefined
    },
    shows({ text, held: now, tokens: count, ids: some }) {
      isEmpty = false
      tokens += count
      if (isForgotten) return
      shown += text
      held = now
      if (some === undefined && text !== '') areIdsKnown = false
      ids.push(...(some ?? []))
      // By several ids at once, the last of them may be the beginning of a character.
      if (text !== '' && now === '' && some?.length === 1) {
        whole = ids.length
        wholeText = shown.length
      }
      if (shown.length + held.length > mostCharacters + begun.length || ids.length > mostIds + answerTokens) forget()
    },
    forget,
  }
}
