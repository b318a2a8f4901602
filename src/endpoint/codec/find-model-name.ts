import { ValidationError } from '../../errors/validation-error.ts'
import { endOfString, isJsonSpace, scanJson } from '../../protocol/json/scan-json.ts'

const [quote, colon, comma, open, close] = [0x22, 0x3a, 0x2c, 0x7b, 0x7d]
const brackets: ReadonlyMap<number, number> = new Map([
  [open, 1],
  [0x5b, 1],
  [close, -1],
  [0x5d, -1],
])

const refuse = (message: string) => new ValidationError('options-invalid', message)
const noName = () => refuse('The request must be JSON and name a model.')

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Longest key and name that is looked at. */
const maxBytes = 8_000

/**
 * The model that a JSON body names at its top level. The body is not parsed, so that it can be passed on as it came; it
 * may be nested 100 levels deep.
 *
 * @throws {ValidationError} `options-invalid`: it is no JSON object, is nested too deep, or does not name one model. Two
 *   names are refused, also `model` beside `Model`: the server that it goes to may read the other one
 */
export function findModelName(body: Uint8Array): string {
  const scan = scanJson(body)
  if (scan.status === 'too-deep') throw refuse('The JSON is nested more than 100 levels deep.')
  if (scan.status !== 'whole') throw noName()
  for (let at = scan.endBytes; at < body.length; at += 1) {
    if (!isJsonSpace(body[at])) throw refuse('Something follows the JSON of the request.')
  }
  const names: string[] = []
  for (const [key, value] of topLevelStrings(body, scan.endBytes)) {
    if (key.toLowerCase() !== 'model') continue
    if (key !== 'model' || value === undefined) throw noName()
    names.push(value)
  }
  const [name] = names
  if (names.length > 1) throw refuse('The request names its model more than once.')
  if (name === undefined || name === '' || name.length > 1000) throw noName()
  return name
}

/** The keys of the outermost object, with the values that are strings. */
function* topLevelStrings(body: Uint8Array, end: number): Generator<readonly [string, string | undefined]> {
  let depth = 0
  let isKey = true
  for (let at = body.indexOf(open); at < end; at += 1) {
    const byte = body[at] ?? 0
    if (byte === quote) {
      const from = at
      at = endOfString(body, at + 1)
      if (depth !== 1 || !isKey) continue
      isKey = false
      const key = textOf(body, from, at)
      let next = skipSpace(body, at + 1)
      if (body[next] !== colon) throw noName()
      next = skipSpace(body, next + 1)
      yield [key, body[next] === quote ? textOf(body, next, endOfString(body, next + 1)) : undefined]
    } else if (byte === comma) isKey = depth === 1
    else depth += brackets.get(byte) ?? 0
  }
}

function skipSpace(body: Uint8Array, from: number): number {
  let at = from
  while (isJsonSpace(body[at])) at += 1
  return at
}

/** The text between two quotes; one that is too long to be a name is no name. */
function textOf(body: Uint8Array, from: number, to: number): string {
  if (to - from > maxBytes) return ''
  try {
    return JSON.parse(utf8.decode(body.subarray(from, to + 1))) as string
  } catch {
    throw noName()
  }
}
