import { endOfJsonValue, jsonElements, jsonMembers } from '../../protocol/json/json-members.ts'

const openArray = 0x5b
const openObject = 0x7b

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
  const beginning = () => text.decode(body.subarray(at, Math.min(endOfJsonValue(body, at), at + tellingBytes)))
  if (body[at] !== openArray) return beginning()
  let before = at
  let count = 0
  if (jsonElements(body, at).next().done === true) return ''
  for (const { from, to } of jsonElements(body, at)) {
    if (count === mostMessages || body[from] !== openObject) break
    if (isPersons(body.subarray(from, Math.min(to, from + mostBytes)))) {
      const setting = body.subarray(at, Math.min(before, at + tellingBytes))
      return text.decode(setting) + text.decode(body.subarray(from, Math.min(to, from + tellingBytes)))
    }
    before = to
    count += 1
  }
  return beginning()
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
  for (const { name, value } of jsonMembers(body)) if (keys.includes(name)) return value.from
  return undefined
}
