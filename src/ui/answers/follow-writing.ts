import type { Arm, FinishReason, MoveReason, WritingPart } from '../../index.ts'

/** A place in a text where another one went on with it. */
export interface WrittenMove {
  /** Characters of the text before it. */
  readonly at: number
  readonly from: Arm
  readonly to: Arm
  readonly reason: MoveReason
  readonly why: string
  /** It was begun anew there: what was written before counts no more. */
  readonly restarted?: boolean | undefined
}

/** A text as far as it is written. */
export interface Written {
  readonly text: string
  readonly tokens: number
  /** Since the first token. Undefined before there are a few. */
  readonly tokensPerSecond?: number | undefined
  /** Tokens of the prompt that are read, while it is. */
  readonly reading?: { readonly read: number; readonly of: number } | undefined
  /** Undefined while it is being written. */
  readonly finishReason?: FinishReason | undefined
  /** Where it is being written; undefined before it is. */
  readonly arm?: Arm | undefined
  readonly moves: readonly WrittenMove[]
}

/** A speed over fewer tokens is chance. */
const leastTimedTokens = 4

/** What is shown of an answer, part by part. */
export function followWriting(nowMs = () => performance.now()) {
  let written: Written = { text: '', tokens: 0, moves: [] }
  let firstAt: number | undefined
  return {
    get written() {
      return written
    },
    take(part: WritingPart): void {
      if (part.type === 'reading') written = { ...written, reading: { read: part.read, of: part.of } }
      else if (part.type === 'moved') {
        const { from, to, reason, why, restarted } = part
        const { text, tokens, moves } =
          restarted === true
            ? { text: '', tokens: 0, moves: written.moves.map((move) => ({ ...move, at: 0 })) }
            : written
        const move = { at: text.length, from, to, reason, why, restarted }
        written = { ...written, text, tokens, arm: to, moves: [...moves, move] }
      } else {
        const now = nowMs()
        const tokens = written.tokens + part.tokens
        const since = firstAt === undefined ? 0 : now - firstAt
        firstAt ??= now
        written = {
          ...written,
          text: written.text + part.text,
          tokens,
          arm: part.arm ?? written.arm,
          ...(since > 0 && tokens > leastTimedTokens ? { tokensPerSecond: (1_000 * tokens) / since } : {}),
        }
      }
    },
    end(change: Pick<Written, 'finishReason' | 'text'>): Written {
      written = { ...written, ...change, reading: undefined }
      return written
    },
  }
}
