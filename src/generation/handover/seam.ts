import { createStopStrings } from '../text/stop-strings.ts'
import type { AnswerSoFar } from './answer-so-far.ts'
import { createWholeCharacters } from './whole-characters.ts'

/** What whoever goes on does to the text at the seam. By token ids it does nothing. */
export interface SeamHabits {
  /** It cuts off blanks at the end of what it is sent. */
  readonly trims: boolean
  /** It loses blanks at the beginning of what it writes. */
  readonly losesBlanks: boolean
  /** What it writes begins with what it was sent. */
  readonly echoes: boolean
}

/** By token ids, or where nothing was written yet. */
export const exactSeam: SeamHabits = { trims: false, losesBlanks: false, echoes: false }

/** The place in a text where one writer takes over from another. */
export interface Seam {
  /** Takes in what the new writer writes. @returns what of it may be shown now, right after what was shown before */
  push(text: string): string
  /** No more comes. @returns what was held back */
  end(): string
  /** The stop string that ended the text; undefined before. */
  readonly found: string | undefined
  /** What is written and not shown, as it may be the beginning of a stop string. Half a character is none of it. */
  readonly held: string
  /** Has the new writer written all that the old one had? Until then its tokens are none of the answer's. */
  readonly caughtUp: boolean
  /** It wrote something else where the old one's text was shown already: nothing can be shown any more. */
  readonly conflict: boolean
}

/** A word that is longer is cut where it is. */
const longestWord = 64

/**
 * As much of an answer as is sent to a server that goes on with text. Models write a word with the blank before it, so
 * blanks at the end are left for the model to write again: `createSeam` takes them out.
 */
export function sendable(answer: string, { trims, losesBlanks }: SeamHabits): string {
  if (!losesBlanks) return trims ? answer.trimEnd() : answer.replace(/[ \t]+$/, '')
  // Only from a place where a blank comes next is it known that one was lost.
  const from = Math.max(0, answer.length - longestWord)
  const words = /^[\s\S]*\S(?=\s)/.exec(answer.slice(from).trimEnd())
  if (words !== null) return answer.slice(0, from + words[0].length)
  return from === 0 ? '' : answer.trimEnd()
}

/** How many characters two texts share at their beginnings. */
function shared(a: string, b: string): number {
  const most = Math.min(a.length, b.length)
  let count = 0
  while (count < most && a[count] === b[count]) count += 1
  return count
}

/**
 * Joins two writers' texts: each character of the answer is shown once.
 *
 * What the new writer repeats of the old one's text is dropped, blanks that templates trim are neither doubled nor lost,
 * and a stop string is found also where it lies across the seam.
 *
 * @param options.answer the old writer's text
 * @param options.sent what of it the new writer was given: a beginning of it. Default: all
 * @param options.stops strings that end the answer
 * @example
 * const seam = createSeam({ answer: { shown: 'over the ', held: '', tokens: 3 }, sent: 'over the', stops: [] })
 * seam.push(' lazy dog') // 'lazy dog'
 */
export function createSeam(options: {
  readonly answer: Pick<AnswerSoFar, 'shown' | 'held'>
  readonly sent?: string | undefined
  readonly habits?: SeamHabits | undefined
  readonly stops: readonly string[]
}): Seam {
  const { answer, habits = exactSeam, stops } = options
  const { shown, held } = answer
  const all = shown + held
  const sent = options.sent ?? all
  /** What the new writer is to write again, and how much of that was shown. */
  const ahead = all.slice(sent.length)
  const shownAhead = Math.max(0, shown.length - sent.length)

  /** What the new writer was sent and was not shown: it is a part of the text by now. */
  const heldSent = sent.slice(shown.length)

  const characters = createWholeCharacters()
  const strings = createStopStrings(stops)
  let waiting = ''
  let areBlanksBack = false
  let stage: 'echo' | 'ahead' | 'on' | 'conflict' =
    habits.echoes && sent !== '' ? 'echo' : ahead === '' ? 'on' : 'ahead'
  /** Text that comes before what the new writer writes. */
  let lead = stage === 'on' ? strings.push(held) : ''

  const goOn = (before: string, text: string) => {
    stage = 'on'
    waiting = ''
    return strings.push(before) + strings.push(text)
  }

  /** Drops what was sent where it comes back. */
  const dropEcho = (isLast: boolean): string => {
    const isEcho = waiting.startsWith(sent)
    if (!isEcho && !isLast && sent.startsWith(waiting)) return ''
    if (isEcho) waiting = waiting.slice(sent.length)
    if (ahead === '') return goOn(held, waiting)
    stage = 'ahead'
    return dropAhead(isLast)
  }

  /** Drops what the old writer had written already. */
  const dropAhead = (isLast: boolean): string => {
    if (waiting === '' && !isLast) return ''
    if (habits.losesBlanks && !areBlanksBack) {
      // One of several may be lost, or all of them.
      if (waiting.trim() === '' && !isLast) return ''
      areBlanksBack = true
      const isAsIs = waiting.startsWith(ahead) || ahead.startsWith(waiting)
      if (!isAsIs && waiting.trim() !== '') waiting = (/^\s*/.exec(ahead)?.[0] ?? '') + waiting.trimStart()
    }
    if (waiting.startsWith(ahead)) return goOn(held, waiting.slice(ahead.length))
    if (ahead.startsWith(waiting) && !isLast) return ''
    const same = shared(waiting, ahead)
    // What was not shown is not binding.
    if (same >= shownAhead) return goOn(heldSent, waiting.slice(shownAhead))
    if (ahead.slice(same, shownAhead).trim() !== '') {
      stage = 'conflict'
      return ''
    }
    // The blanks that were shown stand for those that came.
    return goOn('', waiting.slice(same).replace(/^[ \t]+/, ''))
  }

  const take = (text: string, isLast: boolean): string => {
    const before = lead
    lead = ''
    if (stage === 'on') return before + strings.push(text)
    if (stage === 'conflict') return ''
    waiting += text
    return stage === 'echo' ? dropEcho(isLast) : dropAhead(isLast)
  }

  return {
    push: (text) => take(characters.push(text), false),
    end: () => {
      const rest = take(characters.end(), true)
      return stage === 'conflict' ? rest : rest + strings.end()
    },
    get found() {
      return strings.found
    },
    get held() {
      return stage === 'on' ? strings.held : held
    },
    get caughtUp() {
      return stage === 'on'
    },
    get conflict() {
      return stage === 'conflict'
    },
  }
}
