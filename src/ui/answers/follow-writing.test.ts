import { expect, it } from 'vitest'
import { followWriting } from './follow-writing.ts'

const moved = {
  type: 'moved',
  from: 'edge',
  to: 'cloud',
  reason: 'failed',
  atToken: 2,
  gapMs: 5,
  why: 'What wrote has failed.',
} as const

it('remembers the place in the text where another one went on, why, and where it is being written', () => {
  const followed = followWriting(() => 0)
  followed.take({ type: 'text', text: 'Once ', tokens: 2, arm: 'edge' })
  expect(followed.written.arm).toBe('edge')
  followed.take(moved)
  followed.take({ type: 'text', text: 'upon', tokens: 1, arm: 'cloud' })
  expect(followed.written).toMatchObject({
    text: 'Once upon',
    tokens: 3,
    arm: 'cloud',
    moves: [{ at: 5, from: 'edge', to: 'cloud', reason: 'failed', why: 'What wrote has failed.' }],
  })
})

it('an answer that is begun anew shows nothing of what was written before', () => {
  const followed = followWriting(() => 0)
  followed.take({ type: 'text', text: 'Once ', tokens: 2, arm: 'edge' })
  followed.take(moved)
  followed.take({ type: 'text', text: 'upon', tokens: 1, arm: 'cloud' })
  followed.take({ ...moved, from: 'cloud', to: 'edge', restarted: true })
  followed.take({ type: 'text', text: 'Two', tokens: 1, arm: 'edge' })
  expect(followed.written).toMatchObject({ text: 'Two', tokens: 1, moves: [{ at: 0 }, { at: 0, restarted: true }] })
})
