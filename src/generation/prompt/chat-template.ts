import { Environment, parse, tokenize } from '@huggingface/jinja'
import type { ChatMessage, Tool } from '../../contracts/chat.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { BoundedInterpreter } from './bounded-interpreter.ts'

/** How a model's training wrote conversations down, in the language of Jinja. */
export interface ChatTemplate {
  /**
   * A conversation as the model's text.
   *
   * @throws {ValidationError} `text-empty`: there are no messages; `context-full`, with the numbers: they have more
   *   characters than any model can look back on; `messages-refused`: the template says that it does not take such
   *   messages, with its words, or something in them is no JSON
   * @throws {ModelError} `template-failed`: the template is at fault, or takes more time or memory than one may
   */
  render(chat: {
    readonly messages: readonly ChatMessage[]
    readonly tools?: readonly Tool[] | undefined
    readonly ending?: ChatEnding | undefined
  }): string
}

/**
 * How a conversation ends: with the mark after which the model answers (`reply`, the default), after its last message
 * (`closed`), or within that, so that the model goes on with it (`open`).
 */
export type ChatEnding = 'reply' | 'closed' | 'open'

/** Of what is taken; more is nobody's template, nor anybody's conversation. */
const most = {
  /** Of a `range` in a template. */
  rows: 100_000,
  /** Characters of a template, and its white space in one piece, on which Jinja's reader takes the square. */
  source: 500_000,
  blanks: 2_000,
  /** Characters of all messages and tools. */
  given: 5_000_000,
  /** Characters of a reason that a template gives. */
  reason: 1_000,
}

/** What a template raised by itself, which is about the messages. */
class Raised extends Error {}

/** Marks the end of a message: two characters of nobody's, and between them a number that makes it no part of the texts. */
function markFor(messages: readonly ChatMessage[]): string {
  for (let count = 0; ; count += 1) {
    const mark = `\ue0c3${count}\ue0c4`
    if (!messages.some(({ content }) => content.includes(mark))) return mark
  }
}

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
  if (typeof from !== 'number' || !(count <= most.rows)) throw new RangeError(`a range of ${count} rows`)
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

/** How much text is given. */
function charactersOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 1
  return Object.entries(value).reduce((sum, [key, each]) => sum + key.length + charactersOf(each), 0)
}

/** @throws {RangeError} it is too large to be read */
function parseTemplate(source: string) {
  if (source.length > most.source) throw new RangeError(`it has ${source.length} characters`)
  if (new RegExp(`\\s{${most.blanks}}`).test(source)) throw new RangeError('it is all but empty')
  return parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }))
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
      return parseTemplate(source)
    } catch (cause) {
      throw failed(cause)
    }
  })()

  /** What a template knows. */
  const environmentOf = ({ messages, tools = [], ending = 'reply' }: Parameters<ChatTemplate['render']>[0]) => {
    const environment = new Environment()
    const globals = {
      false: false,
      true: true,
      none: null,
      False: false,
      True: true,
      None: null,
      range,
      strftime_now: (format: unknown) => strftime(String(format).slice(0, most.reason)),
      raise_exception(reason: unknown) {
        throw new Raised(typeof reason === 'string' ? reason.slice(0, most.reason) : 'it gives no reason')
      },
      messages: messages.map(toTemplate),
      ...(tools.length === 0 ? {} : { tools: tools.map(toTemplateTool) }),
      bos_token: tokens.bos ?? '',
      eos_token: tokens.eos ?? '',
      add_generation_prompt: ending === 'reply',
    }
    for (const [name, value] of Object.entries(globals)) environment.set(name, value)
    return environment
  }
  const refused = (why: string, cause: unknown) =>
    new ValidationError('messages-refused', `The model does not take such messages: ${why}`, { cause })

  const write = (chat: Parameters<ChatTemplate['render']>[0]): string => {
    const environment = (() => {
      try {
        const characters = charactersOf([chat.messages, chat.tools])
        if (characters > most.given) {
          throw new ValidationError(
            'context-full',
            `The messages have ${characters} characters, which no model reads.`,
            {
              context: { characters },
            },
          )
        }
        return environmentOf(chat)
      } catch (cause) {
        if (cause instanceof ValidationError) throw cause
        throw refused('something in them is no JSON.', cause)
      }
    })()
    try {
      const { value } = new BoundedInterpreter(environment).run(program)
      if (typeof value !== 'string') throw new TypeError('it writes no text')
      return value
    } catch (cause) {
      throw cause instanceof Raised ? refused(cause.message, cause) : failed(cause)
    }
  }

  return {
    render(chat) {
      const { messages, ending } = chat
      const last = messages.at(-1)
      if (last === undefined) throw new ValidationError('text-empty', 'There is no message to answer.')
      if (ending !== 'open') return write(chat)
      // Found by a mark and not by its words: a template may trim them, or write them twice.
      const mark = markFor(messages)
      const marked = { ...last, content: last.content + mark }
      const text = write({ ...chat, messages: [...messages.slice(0, -1), marked] })
      const end = text.lastIndexOf(mark)
      if (end < 0) throw refused('its template leaves the last one out, so it can not be gone on with.', undefined)
      return text.slice(0, end).replaceAll(mark, '')
    },
  }
}
