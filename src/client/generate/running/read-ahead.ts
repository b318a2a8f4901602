import type { AnswerState } from '../answer/answer-state.ts'
import type { ConductOptions } from './conduct-types.ts'

/** This device reads prompt and answer while another arm is still expected to write. */
export interface ReadingAhead {
  readonly reason: string
  /** Settles when it has read all, or was stopped. Never rejects. */
  readonly done: Promise<void>
  readonly isDone: () => boolean
  /** Tokens that it has read. */
  readonly tokens: () => number
  stop(): void
}

/** @param onDone told when all is read */
export function startReadingAhead(
  readAhead: ConductOptions['readAhead'],
  from: Readonly<AnswerState>,
  reason: string,
  onDone: () => void,
): ReadingAhead {
  const controller = new AbortController()
  let [tokens, isDone] = [0, false]
  const read = (count: number) => {
    tokens = Math.max(tokens, count)
  }
  const done = readAhead(from, read, controller.signal).then(
    () => {
      isDone = true
      onDone()
    },
    // Where it fails, the move itself shows it.
    () => {},
  )
  return {
    reason,
    done,
    isDone: () => isDone,
    tokens: () => tokens,
    stop: () => controller.abort(new DOMException('The other arm goes on.', 'AbortError')),
  }
}
