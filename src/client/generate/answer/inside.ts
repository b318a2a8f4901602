import type { Prompt } from '../../../generation/writer/write-request.ts'

/** What an answer is in the midst of, where nobody else can go on with it. */
export type Inside = 'reasoning' | 'tool-call'

/** How models mark what they think; and calls: anywhere, or as the first of an answer. */
const thinks = ['<think>', '</think>'] as const
const calls = ['<tool_call>', '</tool_call>'] as const
const callFirst = /^\s*(?:<\|python_tag\|>|\[TOOL_CALLS\]|[[{])/

const isOpen = (text: string, [from, to]: readonly [string, string]) => text.lastIndexOf(from) > text.lastIndexOf(to)

/** Is the end of this text within what the model thinks, or within a call that it asks for? */
export function insideOf(text: string, prompt: Prompt): Inside | undefined {
  if (isOpen(text, thinks)) return 'reasoning'
  const hasTools = 'messages' in prompt && (prompt.tools ?? []).length > 0
  if (!hasTools) return undefined
  return isOpen(text, calls) || callFirst.test(text) ? 'tool-call' : undefined
}
