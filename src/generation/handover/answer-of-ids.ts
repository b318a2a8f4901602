import { createStopStrings } from '../text/stop-strings.ts'
import { createTextStream, type Decode } from '../text/text-stream.ts'
import type { Transcript } from '../write-text.ts'
import type { AnswerSoFar } from './answer-so-far.ts'

/** Tokens that one character may have at most: the bytes of UTF-8. */
const mostOfCharacter = 4

/** An answer whose ids are known, as text. */
export interface AnswerOfIds extends AnswerSoFar {
  /**
   * So many of its ids have text that is whole. Those behind them are the beginning of a character: a stock server that
   * goes on from there may lose it, so it is asked to go on from before it.
   */
  readonly whole: number
}

/** What of an answer may have been shown, what is held back, and where its last whole character ends. */
export function answerOfIds(
  { prompt, answer, stops }: Pick<Transcript, 'prompt' | 'answer' | 'stops'>,
  decode: Decode,
): AnswerOfIds {
  const stream = createTextStream(decode, prompt)
  const strings = createStopStrings(stops)
  const shown = answer.map((id) => strings.push(stream.push(id))).join('')
  const isWhole = (count: number) => {
    const beginning = createTextStream(decode, prompt)
    for (const id of answer.slice(0, count)) beginning.push(id)
    return beginning.end() === ''
  }
  const counts = Array.from({ length: Math.min(mostOfCharacter, answer.length) + 1 }, (_, less) => answer.length - less)
  // A model may also end with what never becomes a character.
  return { shown, held: strings.held, tokens: answer.length, whole: counts.find(isWhole) ?? answer.length }
}
