import type { Decoder } from './decoder/create-decoder.ts'
import type { RememberedPrefixes } from './decoder/remembered-prefixes.ts'
import type { Sampling } from './sampling/sampling.ts'
import { createStopStrings } from './text/stop-strings.ts'
import { createTextStream, type Decode } from './text/text-stream.ts'
import { type WriteTokensOptions, writeTokens } from './write-tokens.ts'

/**
 * The whole state of an answer that is being written: whoever has it can go on with it, on the same model, and writes
 * what its beginning would have written. What was shown, what is held back and the sampler's place follow from it.
 */
export interface Transcript {
  /** Ids of the prompt. */
  readonly prompt: readonly number[]
  /** Ids of the answer so far. */
  readonly answer: readonly number[]
  readonly sampling: Sampling
  /** Strings that end the answer; they are no part of it. */
  readonly stops: readonly string[]
  /** Tokens that the answer may have in all. */
  readonly maxTokens: number
}

/** A part of an answer. */
export interface TextPiece {
  /** The tokens that it took: together, all of the answer's. */
  readonly tokens: readonly number[]
  /** The text that is certain by them: together, the answer. Empty while a character or a stop string may be coming. */
  readonly text: string
  /** Text after it that is written and not certain yet, as it may be the beginning of a stop string. */
  readonly held: string
  /** So many of the answer's ids have text that is whole: those behind them are the beginning of a character. */
  readonly whole: number
}

export interface TextEnd {
  readonly reason: 'stop' | 'length'
  /** The stop string that ended it. */
  readonly stopString?: string | undefined
}

/**
 * Writes an answer, or goes on with one.
 *
 * @param options.transcript its `answer` was shown already, as far as `shownText` says
 * @throws the signal's reason; what the decoder throws
 */
export async function* writeText(
  options: Omit<WriteTokensOptions, 'prompt' | 'answer' | 'sampling' | 'maxTokens'> & {
    readonly decoder: Decoder
    readonly prefixes: RememberedPrefixes
    readonly transcript: Transcript
    readonly decode: Decode
  },
): AsyncGenerator<TextPiece, TextEnd> {
  const { transcript, decode, ...others } = options
  const { prompt, answer, sampling, stops, maxTokens } = transcript
  const stream = createTextStream(decode, prompt)
  const strings = createStopStrings(stops)
  let [count, whole] = [0, 0]
  const take = (token: number) => {
    const text = strings.push(stream.push(token))
    count += 1
    if (stream.isWhole) whole = count
    return text
  }
  for (const token of answer) take(token)
  if (strings.found !== undefined) return { reason: 'stop', stopString: strings.found }

  const writing = writeTokens({ ...others, prompt, answer, sampling, maxTokens })
  try {
    for (;;) {
      const { done, value } = await writing.next()
      if (done) {
        const text = strings.push(stream.end()) + strings.end()
        if (text !== '') yield { tokens: [], text, held: '', whole: count }
        return strings.found === undefined ? { reason: value } : { reason: 'stop', stopString: strings.found }
      }
      const text = take(value)
      yield { tokens: [value], text, held: strings.held, whole }
      if (strings.found !== undefined) return { reason: 'stop', stopString: strings.found }
    }
  } finally {
    await writing.return('stop')
  }
}

/** What of an answer that is being written is certain, and may have been shown. */
export function shownText(
  { prompt, answer, stops }: Pick<Transcript, 'prompt' | 'answer' | 'stops'>,
  decode: Decode,
): string {
  const stream = createTextStream(decode, prompt)
  const strings = createStopStrings(stops)
  return answer.map((token) => strings.push(stream.push(token))).join('')
}
