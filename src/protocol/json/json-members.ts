import { endOfString, isJsonSpace } from './scan-json.ts'

const [quote, colon, comma, openObject, closeObject, openArray, closeArray] = [0x22, 0x3a, 0x2c, 0x7b, 0x7d, 0x5b, 0x5d]

/** Where a value lies in the bytes of a JSON text: from its first byte to the one after its last. */
export interface JsonSpan {
  readonly from: number
  readonly to: number
}

/** A member of an object. */
export interface JsonMember extends JsonSpan {
  readonly name: string
  readonly value: JsonSpan
}

const utf8 = new TextDecoder()

export function skipJsonSpace(json: Uint8Array, from: number): number {
  let at = from
  while (isJsonSpace(json[at])) at += 1
  return at
}

/** The place after a value that begins here. */
export function endOfJsonValue(json: Uint8Array, from: number): number {
  if (json[from] === quote) return endOfString(json, from + 1) + 1
  let depth = 0
  for (let at = from; at < json.length; at += 1) {
    const byte = json[at]
    if (byte === quote) at = endOfString(json, at + 1)
    else if (byte === openObject || byte === openArray) depth += 1
    else if (byte === closeObject || byte === closeArray) {
      if (depth <= 1) return depth === 1 ? at + 1 : at
      depth -= 1
    } else if (depth === 0 && (byte === comma || isJsonSpace(byte))) return at
  }
  return json.length
}

/**
 * The members of the outermost object, in order, without reading their values.
 *
 * @param json an object that is known to be whole
 */
export function* jsonMembers(json: Uint8Array): Generator<JsonMember> {
  let at = skipJsonSpace(json, json.indexOf(openObject) + 1)
  while (json[at] === quote) {
    const endOfName = endOfString(json, at + 1)
    const beforeValue = skipJsonSpace(json, endOfName + 1)
    if (json[beforeValue] !== colon) return
    const from = skipJsonSpace(json, beforeValue + 1)
    const to = endOfJsonValue(json, from)
    yield { name: nameOf(json.subarray(at, endOfName + 1)), from: at, to, value: { from, to } }
    at = skipJsonSpace(json, to)
    if (json[at] === comma) at = skipJsonSpace(json, at + 1)
  }
}

/** The elements of the array that begins at `from`, in order, without reading them. */
export function* jsonElements(json: Uint8Array, from: number): Generator<JsonSpan> {
  let at = skipJsonSpace(json, from + 1)
  while (at < json.length && json[at] !== closeArray) {
    const to = endOfJsonValue(json, at)
    yield { from: at, to }
    const next = skipJsonSpace(json, to)
    if (json[next] !== comma) return
    at = skipJsonSpace(json, next + 1)
  }
}

function nameOf(quoted: Uint8Array): string {
  const text = utf8.decode(quoted)
  try {
    return JSON.parse(text) as string
  } catch {
    return text.slice(1, -1)
  }
}
