import { afterEach, expect, test } from 'vitest'
import { userEvent } from 'vitest/browser'
import { moveReasons } from '../../contracts/route-reasons.ts'
import type { MoveReason } from '../../index.ts'
import type { Written, WrittenMove } from './follow-writing.ts'
import './written-text.ts'

afterEach(() => document.body.replaceChildren())

const move = (at: number, reason: MoveReason, changes: Partial<WrittenMove> = {}): WrittenMove => ({
  ...{ at, from: 'cloud', to: 'edge', reason, why: moveReasons[reason] },
  ...changes,
})

async function draw(written: Partial<Written>, { running = false, prompt = '' } = {}) {
  const element = document.createElement('hither-written')
  Object.assign(element, { prompt, running, written: { text: '', tokens: 3, moves: [], ...written } })
  document.body.append(element)
  await element.updateComplete
  const root = element.renderRoot as ShadowRoot
  const marks = () => [...root.querySelectorAll<HTMLElement>('[data-testid="move-mark"]')]
  return {
    element,
    root,
    marks,
    /** The text as it stands there, with its marks in brackets. */
    shown() {
      const copy = root.querySelector('[data-testid="written"]')?.cloneNode(true) as HTMLElement
      for (const mark of copy.querySelectorAll('.mark')) mark.textContent = `[${mark.textContent}]`
      return copy.textContent
    },
    reasons: () => [...root.querySelectorAll('[data-testid="moves"] li')].map((item) => item.textContent),
  }
}

test('a mark stands at the place where the other side went on, and a sentence says why', async () => {
  const { shown, marks, reasons } = await draw({
    text: 'Once upon a time',
    moves: [move(5, 'stalled'), move(12, 'faster', { from: 'edge', to: 'cloud' })],
  })
  expect(shown()).toBe('Once [1]upon a [2]time')
  expect(reasons()).toEqual([
    'This device went on. No more words came.',
    'The cloud went on. The other side was predicted to finish much sooner.',
  ])
  expect(marks().map(({ className }) => className)).toEqual(['mark edge', 'mark cloud'])
  // Screen readers read the same sentence, at the mark.
  expect(marks().map((mark) => mark.getAttribute('aria-label'))).toEqual([
    'Taken over here (1): This device went on. No more words came.',
    'Taken over here (2): The cloud went on. The other side was predicted to finish much sooner.',
  ])
  expect(marks().map(({ title }) => title)).toEqual(reasons())
})

test.each(Object.keys(moveReasons) as MoveReason[])('every reason has its sentence: %s', async (reason) => {
  const { reasons, root } = await draw({ text: 'Once', moves: [move(2, reason)] })
  expect(reasons()).toEqual([`This device went on. ${moveReasons[reason]}`])
  // The status region announces it, so that nobody has to look for the mark.
  expect(root.querySelector('[role="status"]')?.textContent.trim()).toBe(reasons()[0])
})

test('where the same side went on, or one began anew, the sentence says that', async () => {
  const { shown, reasons } = await draw({
    text: 'Two',
    moves: [
      move(0, 'failed', { from: 'edge' }),
      move(0, 'failed', { restarted: true }),
      move(0, 'failed', { from: 'edge', to: 'cloud', restarted: true }),
    ],
  })
  expect(shown()).toBe('[1][2][3]Two')
  expect(reasons()).toEqual([
    'The same place went on. What wrote has failed.',
    'This device began anew. What wrote has failed.',
    'The cloud began anew. What wrote has failed.',
  ])
})

test('the marks stay at their places while more is written, and come with the prompt before them', async () => {
  const { element, shown, marks } = await draw(
    { text: 'upon', moves: [move(4, 'offline')] },
    { running: true, prompt: 'Once ' },
  )
  expect(shown()).toBe('Once upon[1]')
  element.written = { text: 'upon a time', tokens: 6, moves: [move(4, 'offline')] }
  await element.updateComplete
  expect(shown()).toBe('Once upon[1] a time')
  await userEvent.click(marks()[0] as HTMLElement)
  expect((element.renderRoot as ShadowRoot).activeElement?.id).toBe('move-1')
})

test('what a model writes is text, whatever it is, and nothing marks an answer that did not move', async () => {
  const hostile = '<img src=x onerror="document.title=1">'
  const { root, shown, marks } = await draw({ text: `${hostile} and`, moves: [move(hostile.length, 'failed')] })
  expect(shown()).toBe(`${hostile}[1] and`)
  expect(root.querySelector('img')).toBeNull()
  expect(marks()).toHaveLength(1)
  const still = await draw({ text: 'Once' })
  expect([still.shown(), still.marks(), still.reasons()]).toEqual(['Once', [], []])
})
