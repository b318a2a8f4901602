import * as v from 'valibot'
import type { ToolCall } from '../../contracts/chat.ts'
import { looseObject } from '../../contracts/object-schemas.ts'

/** Hermes, Qwen and SmolLM write a call between these; Mistral and Llama write plain JSON, Llama after a mark. */
const wrapped = /<tool_call>\s*([\s\S]*?)\s*<\/tool_call>/g
const unwrapped = /^\s*(?:<\|python_tag\|>|\[TOOL_CALLS\])?\s*([[{][\s\S]*[\]}])\s*$/

const callSchema = looseObject({
  name: v.pipe(v.string(), v.minLength(1)),
  arguments: v.optional(looseObject({})),
  parameters: v.optional(looseObject({})),
})

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
    const parsed = v.safeParse(callSchema, value)
    if (!parsed.success || !names.includes(parsed.output.name)) return []
    const { name, arguments: given, parameters = {} } = parsed.output
    return [{ name, arguments: { ...(given ?? parameters) } }]
  })
  return calls.length === values.length ? calls : []
}
