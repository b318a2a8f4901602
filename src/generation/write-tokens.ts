import type { Decoder } from './decoder/create-decoder.ts'
import type { RememberedPrefixes } from './decoder/remembered-prefixes.ts'
import { keepOnly, pickToken } from './sampling/pick-token.ts'
import type { Sampling } from './sampling/sampling.ts'
import { countTokens } from './sampling/token-counts.ts'

/** Why an answer ends by itself: its model ended it, or it has as many tokens as it may have. */
export type TokensEnd = 'stop' | 'length'

export interface WriteTokensOptions {
  readonly decoder: Decoder
  readonly prefixes: RememberedPrefixes
  /** Ids of the prompt: at least one. */
  readonly prompt: readonly number[]
  /** What was written of the answer before, here or elsewhere. */
  readonly answer?: readonly number[]
  readonly sampling: Sampling
  /** The tokens that end an answer. */
  readonly ends: ReadonlySet<number>
  /** Tokens that the answer may have, `answer` included. */
  readonly maxTokens: number
  /** The tokens that may come first; absent: all. */
  readonly first?: ReadonlySet<number> | undefined
  /** Asked after each token: has the answer as many as it may have? For who counts them in another way. */
  readonly isEnough?: (() => boolean) | undefined
  /** Tokens that the model can look back on, prompt included. */
  readonly contextTokens: number
  readonly signal?: AbortSignal | undefined
  /**
   * Lets other work of this thread have its turn, between two runs.
   *
   * @param isToken the next run reads what was just written. Default: a part of the prompt
   */
  readonly pause: (isToken?: boolean) => Promise<void>
  /** Told how much of the prompt was read, in tokens. */
  readonly onRead?:
    | ((progress: { readonly read: number; readonly of: number; readonly cached: number }) => void)
    | undefined
  /** Told of each token before it is given, with the logits as the model gave them. */
  readonly onChosen?: ((token: number, logits: Float32Array) => void) | undefined
}

/**
 * Tokens of the prompt that are read in one run, behind so many others. A run can't be stopped, so this is how long an
 * abort waits; the further into a text, the longer each token takes. SmolLM2-135M on WASM, one thread: 48 tokens take
 * 0.30 s at the beginning and 0.39 s behind 432, 32 take 0.34 s behind 960. By 64, a prompt of 512 takes 3.5 s instead of 3.8.
 */
const pieceTokens = (before: number) => (before < 480 ? 48 : 32)

/**
 * Writes an answer, token by token, each given as soon as it is chosen. What was read is remembered for whoever goes on
 * from there, also after an abort.
 *
 * @returns why it ended
 * @throws the signal's reason; what the decoder throws
 */
export async function* writeTokens(options: WriteTokensOptions): AsyncGenerator<number, TokensEnd> {
  const { decoder, prefixes, prompt, sampling, ends, maxTokens, contextTokens, signal, pause, onRead, onChosen } =
    options
  const { isEnough = () => false } = options
  const answer = [...(options.answer ?? [])]
  const all = [...prompt, ...answer]
  const counts = countTokens(prompt, answer)
  const isFull = () => answer.length >= maxTokens || all.length >= contextTokens
  if (isFull()) return 'length'

  const known = prefixes.find(all)
  // The last token is read anew: the logits after it are not kept.
  const cached = Math.min(known?.shared ?? 0, all.length - 1)
  let keyValues = known === undefined ? decoder.start : decoder.first(known.read.keyValues, cached)
  const read = async (ids: readonly number[]) => {
    const step = await decoder.read(ids, keyValues, all.length - keyValues.length - ids.length)
    decoder.release(keyValues)
    keyValues = step.keyValues
    return step.logits
  }
  try {
    let logits: Float32Array | undefined
    let { first } = options
    while (keyValues.length < all.length) {
      await pause()
      signal?.throwIfAborted()
      logits = await read(all.slice(keyValues.length, keyValues.length + pieceTokens(keyValues.length)))
      onRead?.({ read: keyValues.length, of: all.length, cached })
    }
    for (;;) {
      if (logits === undefined) throw new TypeError('nothing was read')
      const given = onChosen === undefined ? logits : logits.slice()
      if (first !== undefined) keepOnly(logits, first)
      first = undefined
      const token = pickToken(logits, sampling, counts, answer.length)
      if (ends.has(token)) return 'stop'
      onChosen?.(token, given)
      answer.push(token)
      all.push(token)
      counts.add(token)
      yield token
      if (isFull() || isEnough()) return 'length'
      await pause(true)
      signal?.throwIfAborted()
      logits = await read([token])
    }
  } finally {
    if (keyValues.length > 0) {
      decoder.settle?.(keyValues)
      prefixes.remember({ ids: all.slice(0, keyValues.length), keyValues })
    }
  }
}
