import type { ChatLogprobs, CompletionLogprobs, TokenLogprob } from './answers.ts'

/** A token's text and the natural logarithm of its probability, and the likeliest in its place. */
export interface GivenLogprobs {
  readonly text: string
  readonly logprob: number
  readonly top: readonly { readonly text: string; readonly logprob: number }[]
}

/** JSON knows no infinity: OpenAI writes this for what is all but impossible. */
const finite = (logprob: number) => (Number.isFinite(logprob) ? logprob : -9999)

const toToken = ({ text, logprob }: Pick<GivenLogprobs, 'text' | 'logprob'>): TokenLogprob => ({
  token: text,
  logprob: finite(logprob),
  bytes: text.includes('\ufffd') ? null : [...new TextEncoder().encode(text)],
})

export const toChatLogprobs = (given: readonly GivenLogprobs[]): ChatLogprobs => ({
  content: given.map((each) => ({ ...toToken(each), top_logprobs: each.top.map(toToken) })),
})

/** @param offset characters of the answer before these tokens */
export function toCompletionLogprobs(given: readonly GivenLogprobs[], offset: number): CompletionLogprobs {
  let at = offset
  const offsets = given.map(({ text }) => {
    at += text.length
    return at - text.length
  })
  return {
    tokens: given.map(({ text }) => text),
    token_logprobs: given.map(({ logprob }) => finite(logprob)),
    top_logprobs: given.map(({ top }) => Object.fromEntries(top.map(({ text, logprob }) => [text, finite(logprob)]))),
    text_offset: offsets,
  }
}
