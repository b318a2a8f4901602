import type { ChatMessage, Tool } from '../../contracts/chat.ts'
import { given } from '../../utils/given.ts'

/**
 * A conversation as OpenAI's API takes it. That wants an id for each call: calls without one are numbered, and answered
 * in their order.
 */
export function toWireMessages(messages: readonly ChatMessage[]): readonly Readonly<Record<string, unknown>>[] {
  let count = 0
  const open: string[] = []
  return messages.map((message) => {
    if (message.role === 'assistant') {
      const { role, content, toolCalls = [] } = message
      const calls = toolCalls.map(({ id, name, arguments: args }) => {
        count += 1
        const callId = id ?? `call_${count}`
        open.push(callId)
        return { id: callId, type: 'function', function: { name, arguments: JSON.stringify(args) } }
      })
      return { role, content, ...(calls.length === 0 ? {} : { tool_calls: calls }) }
    }
    if (message.role === 'tool') {
      const callId = message.callId ?? open[0] ?? 'call_1'
      if (open.includes(callId)) open.splice(open.indexOf(callId), 1)
      return { role: 'tool', content: message.content, tool_call_id: callId, ...given({ name: message.name }) }
    }
    return { role: message.role, content: message.content }
  })
}

/** Functions as OpenAI's API takes them. */
export const toWireTools = (tools: readonly Tool[]): readonly Readonly<Record<string, unknown>>[] =>
  tools.map(({ name, description, parameters }) => ({
    type: 'function',
    function: { name, ...given({ description, parameters }) },
  }))
