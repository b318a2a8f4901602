import { type JsonSpan, jsonElements, jsonMembers } from '../../protocol/json/json-members.ts'

/** What a body of the OpenAI API says beside its messages and its prompt. */
export interface TextFields {
  /** Values of the fields that are small, by name. */
  readonly values: Readonly<Record<string, unknown>>
  /** Names of the others. */
  readonly large: readonly string[]
  /** No name is there twice, and there are no more than anybody uses: each server reads the same. */
  readonly isPlain: boolean
  /** What the prompt of a completion is, where there is one. */
  readonly prompt?: 'text' | 'ids' | 'other'
  /** The answer's beginning that the request asks to go on with: the last message's text. */
  readonly begun?: string
  /** The prompt's ids, where the last ones are an answer's. */
  readonly ids?: readonly number[]
}

/** Bytes of a field that is read. */
const smallBytes = 16 * 1024
const mostFields = 200
/** Bytes of an answer's beginning, as text or as ids. */
const mostBegunBytes = 1024 * 1024

const [quote, openArray] = [0x22, 0x5b]
const utf8 = new TextDecoder()

/** @param body JSON that is known to be whole */
export function readTextFields(body: Uint8Array): TextFields {
  const values: [string, unknown][] = []
  const large: string[] = []
  const spans = new Map<string, JsonSpan>()
  let count = 0
  for (const { name, value } of jsonMembers(body)) {
    count += 1
    if (count > mostFields) break
    spans.set(name, value)
    if (name === 'messages' || name === 'prompt') continue
    const json = value.to - value.from > smallBytes ? undefined : parse(body.subarray(value.from, value.to))
    if (json === undefined) large.push(name)
    else values.push([name, json.value])
  }
  const fields = { values: Object.fromEntries(values), large, isPlain: spans.size === count }
  const prompt = spans.get('prompt')
  const messages = spans.get('messages')
  const begun =
    messages !== undefined && fields.values.continue_final_message === true ? lastText(body, messages.from) : undefined
  const isPart = Number(fields.values.hither_answer_tokens) > 0
  const kind = prompt && promptKind(body, prompt.from)
  const ids = prompt !== undefined && isPart && kind === 'ids' ? idsOf(body, prompt) : undefined
  return {
    ...fields,
    ...(kind === undefined ? {} : { prompt: kind }),
    ...(begun === undefined ? {} : { begun }),
    ...(ids === undefined ? {} : { ids }),
  }
}

function promptKind(body: Uint8Array, from: number): NonNullable<TextFields['prompt']> {
  if (body[from] === quote) return 'text'
  if (body[from] !== openArray) return 'other'
  const [first] = jsonElements(body, from)
  const byte = first === undefined ? undefined : body[first.from]
  return byte !== undefined && byte >= 0x30 && byte <= 0x39 ? 'ids' : 'other'
}

/** The text of the last message, where that is the assistant's. */
function lastText(body: Uint8Array, from: number): string | undefined {
  if (body[from] !== openArray) return undefined
  const last = [...jsonElements(body, from)].at(-1)
  if (last === undefined || last.to - last.from > mostBegunBytes) return undefined
  const message = parse(body.subarray(last.from, last.to))?.value as
    | { readonly role?: unknown; readonly content?: unknown }
    | null
    | undefined
  return message?.role === 'assistant' && typeof message.content === 'string' ? message.content : undefined
}

function idsOf(body: Uint8Array, { from, to }: JsonSpan): readonly number[] | undefined {
  if (to - from > mostBegunBytes) return undefined
  const ids = parse(body.subarray(from, to))?.value
  return Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id) && id >= 0)
    ? (ids as readonly number[])
    : undefined
}

/** Undefined where it is no JSON: whoever gets the request says so. */
function parse(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(utf8.decode(bytes)) as unknown }
  } catch {
    return undefined
  }
}
