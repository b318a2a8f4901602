import * as v from 'valibot'
import { looseObject, object } from './object-schemas.ts'

/** A function that a model may ask to have called, as its chat template shows it to the model. */
export const toolSchema = object({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  description: v.optional(v.string()),
  /** JSON Schema of its arguments. */
  parameters: v.optional(looseObject({})),
})
export type Tool = v.InferOutput<typeof toolSchema>

/** A call that a model asked for. */
export const toolCallSchema = object({
  id: v.optional(v.string()),
  name: v.pipe(v.string(), v.minLength(1)),
  arguments: looseObject({}),
})
export type ToolCall = v.InferOutput<typeof toolCallSchema>

/** One message of a conversation. */
export const chatMessageSchema = v.variant('role', [
  object({ role: v.picklist(['system', 'user']), content: v.string() }),
  object({ role: v.literal('assistant'), content: v.string(), toolCalls: v.optional(v.array(toolCallSchema)) }),
  /** What a call gave. */
  object({
    role: v.literal('tool'),
    content: v.string(),
    name: v.optional(v.string()),
    callId: v.optional(v.string()),
  }),
])
export type ChatMessage = v.InferOutput<typeof chatMessageSchema>
