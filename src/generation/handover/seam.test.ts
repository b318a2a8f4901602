import { expect, it } from 'vitest'
import { createSeam, exactSeam, sendable } from './seam.ts'

const trims = { trims: true, losesBlanks: false, echoes: false }
const losesBlanks = { trims: true, losesBlanks: true, echoes: false }
const echoes = { trims: false, losesBlanks: false, echoes: true }

/** All text of an answer that is handed over: what was shown, and what is shown of these pieces. */
function join(
  [shown, held = '']: readonly [string, string?],
  pieces: readonly string[],
  options: Partial<Parameters<typeof createSeam>[0]> = {},
) {
  const { habits = exactSeam, stops = [] } = options
  const seam = createSeam({ answer: { shown, held }, habits, stops, sent: sendable(shown + held, habits), ...options })
  const text = pieces.map((piece) => seam.push(piece)).join('')
  return { text: shown + text + (seam.found === undefined ? seam.end() : ''), found: seam.found, seam }
}

const sends = [
  ['over the ', exactSeam, 'over the'],
  ['one\n\n', exactSeam, 'one\n\n'],
  ['one\n\n', trims, 'one'],
  ['over the la', trims, 'over the la'],
  ['over the la', losesBlanks, 'over the'],
  ['over the ', losesBlanks, 'over'],
  ['The', losesBlanks, ''],
  [`${'猫'.repeat(100)}`, losesBlanks, '猫'.repeat(100)],
] as const
it.each(sends)('of %j, as much is sent as goes on well', (text, habits, sent) => {
  expect(sendable(text, habits)).toBe(sent)
})

const joins = [
  ['a blank that comes again', ['over the '], [' ', 'lazy dog'], {}, 'over the lazy dog'],
  ['a blank in one token with its word', ['over the '], [' lazy dog'], { habits: trims }, 'over the lazy dog'],
  ['a blank that does not come again', ['over the '], ['lazy dog'], { habits: trims }, 'over the lazy dog'],
  ['more blanks than were shown', ['list:\n'], ['\n\n- one'], { habits: trims }, 'list:\n\n- one'],
  ['fewer blanks than were shown', ['list:\n\n'], ['\n', '- one'], { habits: trims }, 'list:\n\n- one'],
  ['other blanks than were shown', ['list: '], ['\n- one'], { habits: trims }, 'list: \n- one'],
  ['a word that was begun', ['over the la'], ['zy dog'], { habits: trims }, 'over the lazy dog'],
  ['a word whose blank is lost', ['over the la'], ['la', 'zy dog'], { habits: losesBlanks }, 'over the lazy dog'],
  ['a first word', ['Th'], ['The', ' end'], { habits: losesBlanks }, 'The end'],
  ['all that was sent', ['over the'], ['over', ' the lazy'], { habits: echoes }, 'over the lazy'],
  ['half of what was sent', ['over the'], ['over'], { habits: echoes }, 'over theover'],
  ['a held text that goes on', ['a', '</'], ['b>'], {}, 'a</b>'],
  ['a held blank that another text replaces', ['a', '\n'], ['. b'], { habits: trims, stops: ['\n\n'] }, 'a. b'],
  ['nothing', ['over the '], [], { habits: trims }, 'over the '],
  ['nothing after held blanks', ['a', '    '], [], { habits: losesBlanks, stops: ['    b'] }, 'a'],
] as const
it.each(joins)('%s is shown once', (_, old, pieces, options, whole) => {
  expect(join(old, pieces, options).text).toBe(whole)
})

it('a stop string that lies across the seam ends the text, and is not shown', () => {
  const { text, found } = join(['a', ' E'], ['ND b'], { stops: [' END'] })
  expect([text, found]).toEqual(['a', ' END'])
})

it('a stop string that begins with a blank which was not sent is found', () => {
  const { text, found } = join(['a', '\n'], ['\n', '\nb'], { habits: trims, stops: ['\n\n'] })
  expect([text, found]).toEqual(['a', '\n\n'])
})

it('half of a character is not shown, nor is it held as text', () => {
  const seam = createSeam({ answer: { shown: 'a', held: '' }, stops: [] })
  expect([seam.push('b\ud83d'), seam.held, seam.push('\ude00'), seam.push('\ufffd'), seam.held]).toEqual([
    'b',
    '',
    '😀',
    '',
    '',
  ])
  expect(seam.end()).toBe('\ufffd')
})

it('another text in the place of a word that was shown is no answer', () => {
  const { text, seam } = join(['over the la'], ['old dog'], { habits: losesBlanks })
  expect([text, seam.conflict]).toEqual(['over the la', true])
})

it('tokens that are written once more are told from new ones', () => {
  const seam = createSeam({ answer: { shown: 'one two ', held: '' }, sent: 'one', stops: [] })
  expect([' two', ' ', 'three'].map((piece) => [seam.push(piece), seam.caughtUp])).toEqual([
    ['', false],
    ['', true],
    ['three', true],
  ])
})
