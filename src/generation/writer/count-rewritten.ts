import type { WriteRequest } from './write-request.ts'

/**
 * Counts the tokens of an answer that goes on from its text: those that write again what it had are none more, and how many
 * that takes shows only when they come.
 *
 * @param beginning.shown what of its text the model's own tokens stand for; `written`: what of that is written again
 */
export function countRewritten(
  { answerText, maxTokens }: Pick<WriteRequest, 'answerText' | 'maxTokens'>,
  { shown = '', written = '' }: { readonly shown?: string | undefined; readonly written?: string },
) {
  let left = answerText === undefined ? 0 : written.length + answerText.text.length - shown.length
  let counted = answerText?.tokens ?? 0
  return {
    /** @returns how many of these tokens are written again */
    take(tokens: number, text: string): number {
      const again = left > 0 && text.length <= left ? tokens : 0
      left -= text.length
      counted += tokens - again
      return again
    },
    isEnough: () => answerText !== undefined && counted >= maxTokens,
  }
}
