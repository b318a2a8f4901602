import { type JsonSpan, jsonElements, jsonMembers } from '../../protocol/json/json-members.ts'

/** Changes to a request of the OpenAI API. All else stays as it came, byte by byte. */
export interface BodyEdit {
  /** New values of fields; `undefined` leaves a field out. */
  readonly fields: Readonly<Record<string, unknown>>
  /** A message behind the others, or the last one's fields that change. */
  readonly message?: { readonly fields: Readonly<Record<string, unknown>>; readonly isNew: boolean } | undefined
  /** More text at the end of the prompt, which is one. */
  readonly promptTail?: string | undefined
}

const utf8 = new TextEncoder()
const text = new TextDecoder()
const openArray = 0x5b
const quote = 0x22

/**
 * The same request with these changes.
 *
 * @param body a JSON object that is known to be whole
 */
export function editBody(body: Uint8Array, { fields, message, promptTail }: BodyEdit): Uint8Array<ArrayBuffer> {
  const members: Uint8Array[][] = []
  for (const { name, from, to, value } of jsonMembers(body)) {
    if (Object.hasOwn(fields, name)) continue
    if (name === 'messages' && message !== undefined && body[value.from] === openArray) {
      members.push([body.subarray(from, value.from), ...withMessage(body, value, message)])
    } else if (name === 'prompt' && promptTail !== undefined && body[value.from] === quote) {
      // Before the closing quote; what is between quotes is a text's form in JSON.
      const tail = JSON.stringify(promptTail).slice(1)
      members.push([body.subarray(from, to - 1), utf8.encode(tail)])
    } else members.push([body.subarray(from, to)])
  }
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) members.push([utf8.encode(`${JSON.stringify(name)}:${JSON.stringify(value)}`)])
  }
  const comma = utf8.encode(',')
  const parts = members.flatMap((member, index) => (index === 0 ? member : [comma, ...member]))
  return join([utf8.encode('{'), ...parts, utf8.encode('}')])
}

function withMessage(
  body: Uint8Array,
  { from, to }: JsonSpan,
  { fields, isNew }: NonNullable<BodyEdit['message']>,
): readonly Uint8Array[] {
  const last = [...jsonElements(body, from)].at(-1)
  if (last === undefined) return [utf8.encode(JSON.stringify([fields]))]
  if (isNew) return [body.subarray(from, last.to), utf8.encode(`,${JSON.stringify(fields)}]`)]
  const before = JSON.parse(text.decode(body.subarray(last.from, last.to))) as object
  const changed = JSON.stringify({ ...before, ...fields })
  return [body.subarray(from, last.from), utf8.encode(changed), body.subarray(last.to, to)]
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
