import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja'
import type { ChatMessage, Tool } from '../../contracts/chat.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'

/** How a model's training wrote conversations down, in the language of Jinja. */
export interface ChatTemplate {
  /**
   * A conversation as the model's text.
   *
   * @throws {ValidationError} `messages-refused`: the template says that it does not take such messages, with its words
   * @throws {ModelError} `template-failed`: it is at fault
   */
  render(chat: { readonly messages: readonly ChatMessage[]; readonly tools?: readonly Tool[] | undefined }): string
}

/** Rows of a `range` in a template, and characters of what one writes: more is a template that never ends. */
const most = { rows: 100_000, characters: 50_000_000 }

/** What a template raised by itself, which is about the messages. */
class Raised extends Error {}

/** As templates know messages: OpenAI's names. */
const toTemplate = (message: ChatMessage): Record<string, unknown> => {
  if (message.role === 'assistant' && message.toolCalls !== undefined) {
    const calls = message.toolCalls.map(({ id, name, arguments: given }) => ({
      ...(id === undefined ? {} : { id }),
      type: 'function',
      function: { name, arguments: given },
    }))
    return { role: message.role, content: message.content, tool_calls: calls }
  }
  if (message.role === 'tool') {
    const { content, name, callId } = message
    return {
      role: 'tool',
      content,
      ...(name === undefined ? {} : { name }),
      ...(callId === undefined ? {} : { tool_call_id: callId }),
    }
  }
  return { role: message.role, content: message.content }
}

const toTemplateTool = ({ name, description = '', parameters = { type: 'object', properties: {} } }: Tool) => ({
  type: 'function',
  function: { name, description, parameters },
})

function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop]
  const count = Math.ceil((to - from) / step)
  if (!(count <= most.rows)) throw new RangeError(`a range of ${count} rows`)
  return Array.from({ length: Math.max(0, count) }, (_, index) => from + index * step)
}

/** The date as templates ask for it (Python's strftime). */
function strftime(format: string, now = new Date()): string {
  const name = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat('en-US', options).format(now)
  const two = (value: number) => String(value).padStart(2, '0')
  const parts = new Map<string, () => string>([
    ['Y', () => String(now.getFullYear())],
    ['m', () => two(now.getMonth() + 1)],
    ['d', () => two(now.getDate())],
    ['H', () => two(now.getHours())],
    ['M', () => two(now.getMinutes())],
    ['S', () => two(now.getSeconds())],
    ['b', () => name({ month: 'short' })],
    ['B', () => name({ month: 'long' })],
    ['a', () => name({ weekday: 'short' })],
    ['A', () => name({ weekday: 'long' })],
  ])
  return format.replace(/%([a-zA-Z%])/g, (whole, letter: string) =>
    letter === '%' ? '%' : (parts.get(letter)?.() ?? whole),
  )
}

/**
 * Reads a chat template.
 *
 * @param source Jinja, as `chat_template.jinja` has it
 * @param tokens the texts that mark a text's beginning and end
 * @throws {ModelError} `template-failed`: it is no template
 */
export function openChatTemplate(
  source: string,
  tokens: { readonly bos?: string | undefined; readonly eos?: string | undefined },
): ChatTemplate {
  const failed = (cause: unknown) =>
    new ModelError('template-failed', `The model's chat template does not work: ${String(cause)}`, { cause })
  const program = (() => {
    try {
      return parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }))
    } catch (cause) {
      throw failed(cause)
    }
  })()

  return {
    render({ messages, tools }) {
      const environment = new Environment()
      for (const [name, value] of Object.entries({
        false: false,
        true: true,
        none: null,
        False: false,
        True: true,
        None: null,
        range,
        strftime_now: (format: string) => strftime(format),
        raise_exception(reason: string) {
          throw new Raised(reason)
        },
        messages: messages.map(toTemplate),
        ...(tools === undefined || tools.length === 0 ? {} : { tools: tools.map(toTemplateTool) }),
        bos_token: tokens.bos ?? '',
        eos_token: tokens.eos ?? '',
        add_generation_prompt: true,
      })) {
        environment.set(name, value)
      }
      try {
        const text = new Interpreter(environment).run(program).value
        if (typeof text !== 'string' || text.length > most.characters) throw new RangeError('it writes without an end')
        return text
      } catch (cause) {
        if (cause instanceof Raised) {
          throw new ValidationError('messages-refused', `The model does not take such messages: ${cause.message}`, {
            cause,
          })
        }
        throw failed(cause)
      }
    },
  }
}
