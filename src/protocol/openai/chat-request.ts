import * as v from 'valibot'
import type { ChatMessage, Tool, ToolCall } from '../../contracts/chat.ts'
import {
  fields,
  parseFields,
  refuseField,
  requestBounds,
  toWritingOptions,
  type WritingOptions,
  writingEntries,
} from './request-fields.ts'

/** A request of `POST /v1/chat/completions`. */
export interface ChatRequest extends WritingOptions {
  readonly kind: 'chat'
  readonly messages: readonly ChatMessage[]
  /** Functions that the model may ask to have called; none where `tool_choice` is `none`. */
  readonly tools: readonly Tool[]
  /** May it ask for several at once? */
  readonly parallelCalls: boolean
  /** How the conversation ends: before a new answer, after its last message, or within that. */
  readonly ending: 'reply' | 'closed' | 'open'
}

const { optional, flag, whole } = fields

const textPart = v.object({ type: v.literal('text', 'only text is taken, and no pictures or sound'), text: v.string() })
const contentSchema = v.pipe(
  v.union([v.string(), v.array(textPart)], 'must be a text, or parts of the type "text"'),
  v.transform((content) => (typeof content === 'string' ? content : content.map(({ text }) => text).join(''))),
)
const argumentsSchema = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse(dataset.value)
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
    } catch {}
    addIssue({ message: 'must be a JSON object, as text' })
    return NEVER
  }),
)
const callSchema = v.object({
  id: optional(v.string()),
  type: optional(v.literal('function')),
  function: v.object({ name: v.pipe(v.string(), v.minLength(1)), arguments: argumentsSchema }),
})
const messageSchema = v.variant(
  'role',
  [
    // `developer` is what OpenAI calls the system's words since its models reason.
    v.object({ role: v.picklist(['system', 'developer', 'user']), content: contentSchema }),
    v.object({
      role: v.literal('assistant'),
      content: optional(contentSchema),
      tool_calls: optional(v.array(callSchema)),
    }),
    v.object({
      role: v.literal('tool'),
      content: contentSchema,
      name: optional(v.string()),
      tool_call_id: optional(v.string()),
    }),
  ],
  'must be a message of the role system, developer, user, assistant or tool',
)
const toolSchema = v.object({
  type: v.literal('function', 'only functions are offered'),
  function: v.object({
    name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
    description: optional(v.string()),
    parameters: optional(v.looseObject({})),
  }),
})

const schema = v.object({
  ...writingEntries,
  messages: v.pipe(v.array(messageSchema), v.minLength(1, 'there is no message'), v.maxLength(requestBounds.messages)),
  max_completion_tokens: whole(1),
  tools: optional(v.pipe(v.array(toolSchema), v.maxLength(requestBounds.tools))),
  tool_choice: optional(v.unknown()),
  parallel_tool_calls: flag,
  logprobs: flag,
  top_logprobs: whole(0, requestBounds.topLogprobs),
  add_generation_prompt: flag,
  continue_final_message: flag,
})

function toCall({ id, function: { name, arguments: given } }: v.InferOutput<typeof callSchema>): ToolCall {
  return { ...(id === undefined ? {} : { id }), name, arguments: given }
}

function toMessage(message: v.InferOutput<typeof messageSchema>): ChatMessage {
  if (message.role === 'assistant') {
    const { content = '', tool_calls: calls = [] } = message
    return { role: 'assistant', content, ...(calls.length === 0 ? {} : { toolCalls: calls.map(toCall) }) }
  }
  if (message.role === 'tool') {
    const { content, name, tool_call_id: callId } = message
    return {
      role: 'tool',
      content,
      ...(name === undefined ? {} : { name }),
      ...(callId === undefined ? {} : { callId }),
    }
  }
  return { role: message.role === 'developer' ? 'system' : message.role, content: message.content }
}

function toTool({ function: { name, description, parameters } }: v.InferOutput<typeof toolSchema>): Tool {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
  }
}

/**
 * Reads a request of `POST /v1/chat/completions`. Fields that are not known are left out, as servers of that API do; those
 * that would change the answer and are not offered are refused.
 *
 * @throws {ValidationError} `options-invalid`, with `context.param`
 */
export function parseChatRequest(body: unknown): ChatRequest {
  const given = parseFields(schema, body)
  const messages = given.messages.map(toMessage)
  const tools = toTools(given)
  const ending = toEnding(given, messages)
  if ((given.hither_answer_tokens ?? 0) > 0 && ending !== 'open') {
    refuseField(
      'hither_answer_tokens',
      '"hither_answer_tokens" is for a last message that goes on: "continue_final_message".',
    )
  }
  if (given.top_logprobs !== undefined && given.logprobs !== true) {
    refuseField('top_logprobs', '"top_logprobs" needs "logprobs": true.')
  }
  return {
    ...toWritingOptions(given),
    kind: 'chat',
    maxTokens: given.max_completion_tokens ?? given.max_tokens,
    logprobs: given.logprobs === true ? (given.top_logprobs ?? 0) : undefined,
    messages,
    tools,
    parallelCalls: given.parallel_tool_calls !== false,
    ending,
  }
}

function toTools({ tools = [], tool_choice: choice }: v.InferOutput<typeof schema>): readonly Tool[] {
  if (choice !== undefined && choice !== 'none' && choice !== 'auto') {
    refuseField(
      'tool_choice',
      '"tool_choice" may be "auto" or "none": a model here can not be made to call a function.',
    )
  }
  if (JSON.stringify(tools).length > requestBounds.toolCharacters) {
    refuseField('tools', `"tools" may have ${requestBounds.toolCharacters} characters together.`)
  }
  return choice === 'none' ? [] : tools.map(toTool)
}

/** As vLLM has it: the two exclude each other where both are asked for. */
function toEnding(
  given: Pick<v.InferOutput<typeof schema>, 'add_generation_prompt' | 'continue_final_message'>,
  messages: readonly ChatMessage[],
): ChatRequest['ending'] {
  if (given.continue_final_message !== true) return given.add_generation_prompt === false ? 'closed' : 'reply'
  if (given.add_generation_prompt === true) {
    refuseField(
      'continue_final_message',
      '"continue_final_message" and "add_generation_prompt" exclude each other: an answer goes on, or a new one begins.',
    )
  }
  const last = messages.at(-1)
  if (last?.role !== 'assistant' || last.toolCalls !== undefined) {
    refuseField('messages', '"continue_final_message" needs a last message of the assistant, without calls.')
  }
  return 'open'
}
