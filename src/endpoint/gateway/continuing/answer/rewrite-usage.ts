import type { TextUsage } from '../../../../protocol/text-server/text-chunk.ts'

/** What the last server was given of the answer, and what is known of its prompt. */
export interface UsageBefore {
  /** Tokens of the answer that were in the prompt of whoever went on. */
  readonly sentTokens: number
  /** Tokens of the prompt alone, where a server has said it. */
  readonly promptTokens: number | undefined
}

/**
 * Tokens of a whole answer, as the last of its servers counts its own: that one had the beginning in its prompt, so both of
 * its numbers together are right, and only where they are divided is not.
 */
export function wholeUsage(
  { promptTokens: read, answerTokens: wrote }: Pick<TextUsage, 'promptTokens' | 'answerTokens'>,
  { sentTokens, promptTokens }: UsageBefore,
): { readonly prompt: number; readonly answer: number } {
  // One that does not count what it is given to go on with.
  if (read < sentTokens) return { prompt: promptTokens ?? read, answer: sentTokens + wrote }
  const prompt = Math.min(promptTokens ?? read - sentTokens, read)
  return { prompt, answer: read - prompt + wrote }
}

/** A server's usage with the numbers of the whole answer. */
export function rewriteUsage(usage: unknown, whole: { readonly prompt: number; readonly answer: number }): unknown {
  const { prompt, answer } = whole
  const given = usage as Readonly<Record<string, unknown>>
  const details = given.prompt_tokens_details as { readonly cached_tokens?: unknown } | null | undefined
  const cached = details?.cached_tokens
  return {
    ...given,
    prompt_tokens: prompt,
    completion_tokens: answer,
    total_tokens: prompt + answer,
    ...(typeof cached === 'number'
      ? { prompt_tokens_details: { ...details, cached_tokens: Math.min(cached, prompt) } }
      : {}),
  }
}

/** What is known of an answer whose last server was not heard to its end; undefined where the prompt was not counted. */
export function countedUsage(record: { readonly promptTokens: number | undefined; readonly written: number }) {
  const { promptTokens, written } = record
  if (promptTokens === undefined) return undefined
  return { prompt_tokens: promptTokens, completion_tokens: written, total_tokens: promptTokens + written }
}
