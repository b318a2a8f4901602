import type { FinishReason, WritingPart } from '../../index.ts'

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
  /** How often another place went on with it. */
  readonly moves: number
}

/** A speed over fewer tokens is chance. */
const leastTimedTokens = 4

/** What is shown of an answer, part by part. */
export function followWriting(nowMs = () => performance.now()) {
  let written: Written = { text: '', tokens: 0, moves: 0 }
  let firstAt: number | undefined
  return {
    get written() {
      return written
    },
    take(part: WritingPart): void {
      if (part.type === 'reading') written = { ...written, reading: { read: part.read, of: part.of } }
      else if (part.type === 'moved') written = { ...written, moves: written.moves + 1 }
      else {
        const now = nowMs()
        const tokens = written.tokens + part.tokens
        const since = firstAt === undefined ? 0 : now - firstAt
        firstAt ??= now
        written = {
          ...written,
          text: written.text + part.text,
          tokens,
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
