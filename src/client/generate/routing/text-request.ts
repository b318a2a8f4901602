import { unitsPerToken } from '../../../generation/prompt/units-per-token.ts'
import type { Prompt, WriteRequest } from '../../../generation/writer/write-request.ts'

/** Letters that a token stands for at least, on average over a text: to tell before a byte is fetched what is wanted. */
const lettersPerToken = 3

const lettersOf = (prompt: Prompt): number => {
  if ('text' in prompt) return prompt.text.length
  if ('ids' in prompt) return prompt.ids.length * lettersPerToken
  return prompt.messages.reduce((sum, { content }) => sum + content.length, 0)
}

/** Tokens that a prompt is taken to have before somebody has counted them. */
export const estimatePromptTokens = (prompt: Prompt): number => Math.ceil(lettersOf(prompt) / lettersPerToken)

/** Tokens that a prompt has for certain, however few: what is shortened where it is too long may have any number. */
export function leastPromptTokens(prompt: Prompt, whenFull: WriteRequest['whenFull']): number {
  if ('ids' in prompt) return prompt.ids.length
  return whenFull === 'refuse' ? Math.ceil(lettersOf(prompt) / unitsPerToken) : 0
}
