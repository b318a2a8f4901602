import { expect, test } from 'vitest'
import { partOf } from './held-out-lines.ts'

test.each([
  ['sentences', 'de', 'Die Wände haben Ohren.', 11],
  ['single-words', 'ja', 'み', 89],
  ['word-pairs', 'en', 'water parks', 16],
])('%s/%s/%s falls in the part that training gave it', (kind, language, line, part) => {
  expect(partOf(kind, language, line)).toBe(part)
})
