import { endOfString, isJsonSpace } from '../../protocol/json/scan-json.ts'

const [quote, colon, comma, openObject, closeObject, openArray, closeArray] = [0x22, 0x3a, 0x2c, 0x7b, 0x7d, 0x5b, 0x5d]

/** Bytes of a conversation's beginning that tell it from others. */
const tellingBytes = 1_000
/** Longest message that is read for its role. */
const mostBytes = 64 * 1024
/** Messages before the first one of a person. */
const mostMessages = 16

const text = new TextDecoder()

/**
 * What tells a conversation from others, and stays the same from turn to turn: of a body of the OpenAI API, the first
 * 1,000 bytes of what comes before the person's first message, and of that message; of a completion, of its prompt.
 *
 * @param body JSON that is known to be whole
 * @returns empty where there is none
 */
export function findConversation(body: Uint8Array): string {
  const at = findValue(body, ['messages', 'prompt'])
  if (at === undefined) return ''
  if (body[at] !== openArray) return text.decode(body.subarray(at, Math.min(endOfValue(body, at), at + tellingBytes)))
  let before = at
  let from = skip(body, at + 1)
  if (body[from] === closeArray) return ''
  for (let count = 0; count < mostMessages && body[from] === openObject; count += 1) {
    const end = endOfValue(body, from)
    if (isPersons(body.subarray(from, Math.min(end, from + mostBytes)))) {
      const setting = body.subarray(at, Math.min(before, at + tellingBytes))
      return text.decode(setting) + text.decode(body.subarray(from, Math.min(end, from + tellingBytes)))
    }
    before = end
    from = skip(body, end)
    if (body[from] === comma) from = skip(body, from + 1)
  }
  return text.decode(body.subarray(at, Math.min(endOfValue(body, at), at + tellingBytes)))
}

/** Of a message that is too long to be read, the beginning is looked at. */
function isPersons(message: Uint8Array): boolean {
  try {
    return (JSON.parse(text.decode(message)) as { readonly role?: unknown }).role === 'user'
  } catch {
    return /"role"\s*:\s*"user"/.test(text.decode(message.subarray(0, tellingBytes)))
  }
}

/** Where the value of the first of these keys of the outermost object begins. */
function findValue(body: Uint8Array, keys: readonly string[]): number | undefined {
  let at = skip(body, body.indexOf(openObject) + 1)
  while (body[at] === quote) {
    const end = endOfString(body, at + 1)
    const value = skip(body, end + 1)
    if (body[value] !== colon) return undefined
    const from = skip(body, value + 1)
    if (keys.some((key) => end - at === key.length + 1 && text.decode(body.subarray(at + 1, end)) === key)) return from
    at = skip(body, endOfValue(body, from))
    if (body[at] === comma) at = skip(body, at + 1)
  }
  return undefined
}

function skip(body: Uint8Array, from: number): number {
  let at = from
  while (isJsonSpace(body[at])) at += 1
  return at
}

/** The place after a value that begins here. */
function endOfValue(body: Uint8Array, from: number): number {
  if (body[from] === quote) return endOfString(body, from + 1) + 1
  let depth = 0
  for (let at = from; at < body.length; at += 1) {
    const byte = body[at]
    if (byte === quote) at = endOfString(body, at + 1)
    else if (byte === openObject || byte === openArray) depth += 1
    else if (byte === closeObject || byte === closeArray) {
      if (depth <= 1) return depth === 1 ? at + 1 : at
      depth -= 1
    } else if (byte === comma && depth === 0) return at
  }
  return body.length
}
