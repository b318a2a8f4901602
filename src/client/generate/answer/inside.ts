import type { Prompt } from '../../../generation/writer/write-request.ts'
import type { AnswerState } from './answer-state.ts'

/** What an answer is in the midst of, where nobody else can go on with it. */
export type Inside = 'reasoning' | 'tool-call'

/** How models mark what they think; and calls: anywhere, or as the first of an answer. */
const thinks = [
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
] as const
const calls = ['<tool_call>', '</tool_call>'] as const
const callFirst = /^\s*(?:<\|python_tag\|>|\[TOOL_CALLS\]|[[{])/

const isOpen = (text: string, [from, to]: readonly [string, string]) => text.lastIndexOf(from) > text.lastIndexOf(to)

/** Some templates open the thoughts themselves: the answer begins within them, and its text only has their end. */
const isOpened = (promptText: string, [from, to]: readonly [string, string], text: string) =>
  promptText.trimEnd().endsWith(from) && !text.includes(to)

/** Is the end of this answer within what the model thinks, or within a call that it asks for? */
export function insideOf(
  { text: shown, held, promptText = '' }: Pick<AnswerState, 'text' | 'held' | 'promptText'>,
  prompt: Prompt,
): Inside | undefined {
  const text = shown + held
  if (thinks.some((marks) => isOpen(text, marks) || isOpened(promptText, marks, text))) return 'reasoning'
  const hasTools = 'messages' in prompt && (prompt.tools ?? []).length > 0
  if (!hasTools) return undefined
  return isOpen(text, calls) || callFirst.test(text) ? 'tool-call' : undefined
}
