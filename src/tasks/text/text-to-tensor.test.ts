import { expect, test } from 'vitest'
import type { TextPreprocessing } from '../../contracts/preprocessing.ts'
import { headOf, textToTensor } from './text-to-tensor.ts'

const steps: TextPreprocessing = {
  kind: 'text',
  encoding: 'code-points',
  normalization: 'NFC',
  lowerCase: true,
  maxLength: 8,
}
const codePointsOf = (text: string) => [...textToTensor(text, steps).data].map(Number)
const read = (text: string) => String.fromCodePoint(...codePointsOf(text))

test.each([
  ['Hello', 'hello'],
  ['  a \t\n b\u3000', 'a b'],
  ['e\u0301', 'é'],
  ['E\u0301A', 'éa'],
  ['I\u0307', 'i\u0307'],
  ['ΟΔΟΣ', 'οδος'],
  ['😀😀', '😀😀'],
  ['123456789', '12345678'],
  ['שלום', 'שלום'],
])('%j is read as %j', (text, expected) => {
  expect(read(text)).toBe(expected)
  expect(textToTensor(text, steps)).toMatchObject({ type: 'int32', dims: [1, [...expected].length] })
})

test('half of a surrogate pair becomes the replacement character', () => {
  expect(codePointsOf('a\ud83db')).toEqual([0x61, 0xfffd, 0x62])
  expect(codePointsOf('\ude00')).toEqual([0xfffd])
})

test.each(['', ' ', '\n\t\u3000 '])('%j is refused as empty', (text) => {
  expect(() => textToTensor(text, steps)).toThrow(expect.objectContaining({ code: 'text-empty' }))
})

test('of a text of ten million letters, only the beginning is read', () => {
  expect(read('word '.repeat(2_000_000))).toBe('word wor')
})

test('case is kept where the manifest says so', () => {
  expect(textToTensor('Ab', { ...steps, lowerCase: false }).data).toEqual(Int32Array.of(0x41, 0x62))
})

test('no more of 10 MB is handed on than the model takes, from the first letter on', () => {
  const head = headOf(`${' '.repeat(5_000_000)}${'word '.repeat(1_000_000)}`, { maxLength: 512 })
  expect(head.length).toBe(512 * 16)
  expect(head.startsWith('word word')).toBe(true)
})
