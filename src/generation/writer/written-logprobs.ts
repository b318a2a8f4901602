import type { TextCodec } from '../prompt/text-codec.ts'
import { tokenLogprobs } from '../sampling/token-logprobs.ts'
import type { WrittenLogprobs } from './write-request.ts'

/** Tokens before a token with which its text is decoded: a word's first one has no blank at the beginning of a text. */
const tokensBefore = 4

/**
 * Says how likely a token was, with the texts of the likeliest.
 *
 * @param before ids of prompt and answer that it follows
 * @param count of likeliest tokens that are wanted
 */
export function writtenLogprobs(
  token: number,
  logits: Float32Array,
  { before, count, codec }: { readonly before: readonly number[]; readonly count: number; readonly codec: TextCodec },
): WrittenLogprobs {
  const { logprob, top } = tokenLogprobs(logits, token, count)
  const context = before.slice(-tokensBefore)
  const known = codec.decode(context)
  const textOf = (id: number) => codec.decode([...context, id]).slice(known.length)
  return {
    text: textOf(token),
    logprob,
    top: top.map((each) => ({ text: textOf(each.token), logprob: each.logprob })),
  }
}
