import type { ToolCall } from '../../contracts/chat.ts'

/** Hermes, Qwen and SmolLM write a call between these; Mistral and Llama write plain JSON, Llama after a mark. */
const wrapped = /<tool_call>\s*([\s\S]*?)\s*<\/tool_call>/g
const unwrapped = /^\s*(?:<\|python_tag\|>|\[TOOL_CALLS\])?\s*([[{][\s\S]*[\]}])\s*$/

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * The calls that an answer asks for, in the forms in which models write them.
 *
 * @param names of the functions that the model was given
 * @returns none where the answer is text, or names a function that it was not given
 */
export function readToolCalls(answer: string, names: readonly string[]): readonly ToolCall[] {
  const written = [...answer.matchAll(wrapped)].map(([, json = '']) => parse(json))
  const values = written.length > 0 ? written : [parse(unwrapped.exec(answer)?.[1] ?? '')].flat()
  const calls = values.flatMap((value) => {
    if (!isObject(value)) return []
    const { name, parameters = {}, arguments: given = parameters } = value
    return typeof name === 'string' && names.includes(name) && isObject(given) ? [{ name, arguments: given }] : []
  })
  return calls.length === values.length ? calls : []
}
