/**
 * A "language model" whose answer is a pure function of its prompt: it knows one text for each, and recites it from where
 * it is. What is no beginning of that text makes it lose its place, which it says: so a character that is lost or doubled
 * at a seam can't go unnoticed.
 */
export interface Recital {
  /** The whole answer to a prompt. */
  answer(prompt: string): string
  /** Ids that follow this beginning of the answer. */
  rest(prompt: string, begun: string): readonly number[]
  /** Ids of a text: of words it knows, else of bytes. */
  encode(text: string): readonly number[]
  decode(ids: readonly number[]): string
  bytes(ids: readonly number[]): Uint8Array
  /** What ids, the first of which may be the prompt's, are followed by. */
  restOfIds(ids: readonly number[]): readonly number[]
}

/** Between prompt and answer. */
export const answerMark = '§'
export const lost = '(I have lost my place)'

const pangram = 'The quick brown fox jumps over the lazy dog.'
/** Words as vocabularies have them: with the blank before, cut within words, blanks of several kinds. */
const words = [
  ...[' the', ' fox', ' ran', 'ning', ' over', ' hill', 's', ' and', ' saw', ' a', ' very', ' old', ' house'],
  ...['.', ',', '!', '\n', '\n\n', '  ', '\t', ' \n', ' "', '"', ' END', 'E', 'N', 'D', ' </', 's>', ' 12', '3', '-'],
  ...['é', ' größer', 'ß', '猫', '在', '家', ' ha', 'ha', ' la', 'la', '\n- ', '    '],
  // Emoji are no words of the vocabulary: each is four tokens, a byte each.
  ...['🦊', '👩‍🚀', ' 🏔️'],
  ...['The', ' quick', ' brown', ' jumps', 'zy', ' dog'],
]
const vocabulary = words.filter((word) => !/\p{Emoji_Presentation}/u.test(word))
const firstWord = 256
const byLength = vocabulary
  .map((word, index) => ({ word, id: firstWord + index }))
  .sort((a, b) => b.word.length - a.word.length)

/** FNV-1a, as the seed of a generator (mulberry32): the same prompt has the same answer for ever. */
function randomOf(text: string): () => number {
  let state = 0x811c9dc5
  for (const character of text) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

const utf8 = new TextEncoder()

function encode(text: string): readonly number[] {
  const ids: number[] = []
  for (let at = 0; at < text.length; ) {
    const found = byLength.find(({ word }) => text.startsWith(word, at))
    if (found !== undefined) {
      ids.push(found.id)
      at += found.word.length
    } else {
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0)
      ids.push(...utf8.encode(character))
      at += character.length
    }
  }
  return ids
}

const bytesOf = (ids: readonly number[]): Uint8Array =>
  Uint8Array.from(ids.flatMap((id) => (id < firstWord ? [id] : [...utf8.encode(vocabulary[id - firstWord] ?? '')])))

const decode = (ids: readonly number[]): string => new TextDecoder().decode(bytesOf(ids))

/** @param tokens about so many of each answer */
export function createRecital({ tokens = 60 }: { readonly tokens?: number } = {}): Recital {
  const answers = new Map<string, string>()
  const answer = (prompt: string): string => {
    const known = answers.get(prompt)
    if (known !== undefined) return known
    const random = randomOf(prompt)
    const count = Math.ceil(tokens * (0.5 + random()))
    const made = Array.from({ length: count }, () => words[Math.floor(random() * words.length)]).join('')
    answers.set(prompt, made)
    return made
  }

  /** The text that follows, whole. */
  const follow = (prompt: string, begun: string): string => {
    // Every language model knows this one.
    if (begun.length >= 20 && pangram.startsWith(begun.trimEnd()) && begun.trimEnd().length < pangram.length) {
      const next = pangram.slice(begun.trimEnd().length)
      return /\s$/.test(begun) ? next.trimStart() : next
    }
    const whole = answer(prompt)
    if (whole.startsWith(begun)) return whole.slice(begun.length)
    // Templates also cut off blanks at the beginning.
    const stripped = whole.trimStart()
    return stripped.startsWith(begun) ? stripped.slice(begun.length) : lost
  }

  /** As the tokens lie in the whole text, from a place between two of them; a piece first where it is within one. */
  const idsOfRest = (prompt: string, begunBytes: Uint8Array): readonly number[] => {
    const whole = encode(answer(prompt))
    let length = 0
    for (let index = 0; index <= whole.length; index += 1) {
      if (length === begunBytes.length && decode(whole.slice(0, index)) === new TextDecoder().decode(begunBytes)) {
        return whole.slice(index)
      }
      length += bytesOf(whole.slice(index, index + 1)).length
    }
    return encode(follow(prompt, new TextDecoder().decode(begunBytes)))
  }

  return {
    answer,
    rest: (prompt, begun) => encode(follow(prompt, begun)),
    encode,
    decode,
    bytes: bytesOf,
    restOfIds(ids) {
      const bytes = bytesOf(ids)
      const mark = utf8.encode(answerMark)
      let at = bytes.length - mark.length
      while (at >= 0 && !mark.every((byte, index) => bytes[at + index] === byte)) at -= 1
      if (at < 0) return encode(follow('', decode(ids)))
      return idsOfRest(new TextDecoder().decode(bytes.subarray(0, at)), bytes.subarray(at + mark.length))
    },
  }
}

/** Prompt and answer of a completion's text. */
export function splitAnswer(text: string): { readonly prompt: string; readonly begun: string } {
  const at = text.lastIndexOf(answerMark)
  return at < 0 ? { prompt: '', begun: text } : { prompt: text.slice(0, at), begun: text.slice(at + answerMark.length) }
}

/** A conversation as the template writes it, up to the answer. */
export const renderChat = (messages: readonly { readonly role: string; readonly content: string }[]): string =>
  `${messages.map(({ role, content }) => `${role}: ${content}\n`).join('')}${answerMark}`
