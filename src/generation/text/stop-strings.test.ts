import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createStopStrings } from './stop-strings.ts'

/** What is shown of a text that comes in these pieces. */
function shownOf(pieces: readonly string[], stops: readonly string[]) {
  const strings = createStopStrings(stops)
  const shown = pieces.map((piece) => strings.push(piece))
  return { shown, whole: shown.join('') + (strings.found === undefined ? strings.end() : ''), found: strings.found }
}
/** The same, from the whole text at once. */
function expectedOf(text: string, stops: readonly string[]): string {
  for (let end = 1; end <= text.length; end += 1) {
    const longest = stops.filter((stop) => text.slice(0, end).endsWith(stop)).sort((a, b) => b.length - a.length)[0]
    if (longest !== undefined) return text.slice(0, end - longest.length)
  }
  return text
}

test('a text is cut before the stop string that is complete first, wherever its pieces are cut', () => {
  const letters = fc.constantFrom('a', 'b', 'ab')
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: letters, maxLength: 4 }), { maxLength: 12 }),
      fc.array(fc.string({ unit: letters, minLength: 1, maxLength: 3 }), { maxLength: 3 }),
      (pieces, stops) => {
        expect(shownOf(pieces, stops).whole).toBe(expectedOf(pieces.join(''), stops))
      },
    ),
    { numRuns: 2_000 },
  )
})

test('what may become a stop string waits, and is shown when it did not', () => {
  expect(shownOf(['one <', '/s', 'pan> two'], ['</s>'])).toEqual({
    shown: ['one ', '', '</span> two'],
    whole: 'one </span> two',
    found: undefined,
  })
  expect(shownOf(['one <', '/s', '> two'], ['</s>'])).toMatchObject({ shown: ['one ', '', ''], found: '</s>' })
})

test('a text that is gone on with keeps what its beginning held back', () => {
  const strings = createStopStrings(['END'], 'EN')
  expect(strings.push('D')).toBe('')
  expect(strings.found).toBe('END')
  expect(createStopStrings(['END'], 'EN').push('E')).toBe('EN')
})
