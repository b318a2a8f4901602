import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTextStream, type Decode } from './text-stream.ts'

const utf8 = new TextEncoder()
const joined = (pieces: readonly Uint8Array[]) => {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
const read = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)

/** A decoder over a vocabulary of byte strings, as byte-level ones are. */
const bytesDecoder =
  (vocabulary: readonly Uint8Array[]): Decode =>
  (ids) =>
    read(joined(ids.map((id) => vocabulary[id] ?? new Uint8Array())))
/** As SentencePiece: the blank before the first word is dropped. */
const sentenceDecoder =
  (vocabulary: readonly Uint8Array[]): Decode =>
  (ids) =>
    bytesDecoder(vocabulary)(ids).replace(/^ /, '')
/** As WordPiece: a blank between words, none before what continues one. */
const wordsDecoder =
  (vocabulary: readonly string[]): Decode =>
  (ids) =>
    ids
      .map((id) => vocabulary[id] ?? '')
      .filter((word) => word !== '')
      .map((word, index) => (word.startsWith('##') ? word.slice(2) : index === 0 ? word : ` ${word}`))
      .join('')

const shownOf = (decode: Decode, ids: readonly number[]) => {
  const stream = createTextStream(decode)
  const pieces = ids.map((id) => stream.push(id))
  return { pieces, whole: pieces.join('') + stream.end() }
}

/** Texts of letters of one to four bytes, cut into tokens anywhere, also inside of letters; and bytes that are no text. */
const anyPieces = fc.oneof(
  fc
    .tuple(fc.string({ unit: 'binary', maxLength: 40 }), fc.array(fc.nat({ max: 200 }), { maxLength: 30 }))
    .map(([text, cuts]) => {
      const bytes = utf8.encode(text)
      const places = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort((a, b) => a - b)
      return places.slice(1).map((end, index) => bytes.slice(places[index], end))
    }),
  fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 30 }),
  fc.array(fc.constantFrom(...[' a', ' ', '', 'é', '👍', '▁', '\ufffd'].map((text) => utf8.encode(text))), {
    maxLength: 30,
  }),
)

test.each([
  ['bytes', bytesDecoder],
  ['sentences', sentenceDecoder],
])('for any cut of any text into tokens, what is shown is the decoded whole: %s', (_, decoder) => {
  fc.assert(
    fc.property(anyPieces, (pieces) => {
      const ids = pieces.map((_piece, index) => index)
      const decode = decoder(pieces)
      expect(shownOf(decode, ids).whole).toBe(decode(ids))
    }),
    { numRuns: 2_000 },
  )
})

test('words are continued and parted as the decoder has it', () => {
  const word = fc.constantFrom('once', '##s', 'upon', '', 'a', '##é')
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      const ids = words.map((_word, index) => index)
      const decode = wordsDecoder(words)
      expect(shownOf(decode, ids).whole).toBe(decode(ids))
    }),
  )
})

test('no piece holds half a character', () => {
  const bytes = utf8.encode('a👍é')
  const single = [...bytes].map((byte) => Uint8Array.of(byte))
  const { pieces } = shownOf(
    bytesDecoder(single),
    single.map((_, index) => index),
  )
  expect(pieces).toEqual(['a', '', '', '', '👍', '', 'é'])
})

test('each token is decoded with few others, however long the text', () => {
  let most = 0
  const stream = createTextStream((ids) => {
    most = Math.max(most, ids.length)
    return ids.map(() => ' a').join('')
  })
  for (let id = 0; id < 1_000; id += 1) stream.push(id)
  expect(most).toBeLessThan(4)
})
