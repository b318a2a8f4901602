import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Receiver, WatchOptions } from './watch-types.ts'
import { watchWriting } from './watch-writing.ts'

const options: WatchOptions = {
  usual: { p90Ms: 60, p97Ms: 100, count: 500 },
  tokenMs: 40,
  startedAtMs: 0,
  firstTokenP90Ms: 1_000,
  answerTokens: 200,
}
const edge: Receiver = { firstTokenMs: 600, tokenMs: 50, canPrepare: true }
const cloud: Receiver = { firstTokenMs: 900, tokenMs: 20, canPrepare: false }

function started(change: Partial<WatchOptions> = {}, receiver: Receiver | 'nobody' = edge) {
  const watch = watchWriting({ ...options, ...change })
  watch.receiver(receiver === 'nobody' ? undefined : receiver)
  /** Tokens at an even pace; returns when the last one came. */
  const write = (count: number, fromMs: number, gapMs = 40) => {
    for (let i = 0; i < count; i += 1) watch.tokens(fromMs + i * gapMs, 1)
    return fromMs + (count - 1) * gapMs
  }
  return { watch, write }
}

test('a silence: wait, read ahead when a stall is likely, move when it is one', () => {
  const { watch, write } = started()
  const lastMs = write(20, 500)
  const first = watch.next(lastMs)
  expect(first.do).toBe('wait')
  const untilMs = first.do === 'wait' ? first.untilMs : 0
  // Not before a gap is late, and early enough for 600 ms of reading before the two seconds are over.
  expect(untilMs - lastMs).toBeGreaterThan(160)
  expect(untilMs - lastMs).toBeLessThan(1_000)
  expect(watch.next(untilMs - 1).do).toBe('wait')
  expect(watch.next(untilMs)).toEqual({ do: 'prepare', reason: 'stalled', untilMs: lastMs + 2_000 })
  expect(watch.next(untilMs)).toEqual({ do: 'wait', untilMs: lastMs + 2_000 })
  watch.prepared()
  expect(watch.next(lastMs + 1_999).do).toBe('wait')
  expect(watch.next(lastMs + 2_000)).toEqual({ do: 'move', reason: 'stalled', isFailure: true, mayRecover: true })
  watch.tokens(lastMs + 2_100, 1)
  expect(watch.next(lastMs + 2_100).do).toBe('wait')
})

test('a stall is four times the usual gap where that is more than two seconds', () => {
  const { watch, write } = started({ usual: { p90Ms: 500, p97Ms: 1_000, count: 500 } }, 'nobody')
  const lastMs = write(20, 500)
  expect(watch.next(lastMs)).toEqual({ do: 'wait', untilMs: lastMs + 4_000 })
})

test('an answer that comes slowly from the start is not taken for a stall', () => {
  const { watch, write } = started({}, 'nobody')
  const lastMs = write(20, 500, 900)
  expect(watch.next(lastMs + 3_000).do).toBe('wait')
  expect(watch.next(lastMs + 5_000).do).toBe('move')
})

test('a longer prompt is read ahead sooner', () => {
  const at = (firstTokenMs: number) => {
    const { watch, write } = started({}, { ...edge, firstTokenMs })
    const lastMs = write(20, 500)
    const action = watch.next(lastMs)
    return action.do === 'wait' ? action.untilMs - lastMs : Number.NaN
  }
  expect(at(900)).toBeLessThan(at(100))
  expect(at(10_000)).toBeGreaterThan(160)
})

test('each time that it was in vain, reading ahead waits longer', () => {
  const { watch, write } = started()
  let lastMs = write(20, 500)
  const silences: number[] = []
  for (let round = 0; round < 2; round += 1) {
    const action = watch.next(lastMs)
    if (action.do !== 'wait') throw new Error(action.do)
    silences.push(action.untilMs - lastMs)
    expect(watch.next(action.untilMs).do).toBe('prepare')
    lastMs = write(20, action.untilMs + 10)
  }
  expect(silences[1]).toBeGreaterThan(1.4 * (silences[0] ?? 0))
})

test('an endpoint is not asked to read ahead: it is paid for it', () => {
  const { watch, write } = started({}, cloud)
  const lastMs = write(20, 500)
  expect(watch.next(lastMs)).toEqual({ do: 'wait', untilMs: lastMs + 2_000 })
})

test.each([
  ['failed', true],
  ['offline', false],
] as const)('an arm that %s is left at once', (reason, isFailure) => {
  const { watch, write } = started()
  const lastMs = write(5, 500)
  watch.failed(reason)
  expect(watch.next(lastMs)).toEqual({ do: 'move', reason, isFailure, mayRecover: false })
})

test('before the first token: far beyond its prediction is a stall', () => {
  const { watch } = started({ firstTokenP90Ms: 2_000 })
  expect(watch.next(0)).toEqual({ do: 'wait', untilMs: 8_000 })
  expect(watch.next(8_000)).toMatchObject({ do: 'move', reason: 'stalled' })
})

test('a voluntary move waits until what is ahead of a reader covers the gap', () => {
  const { watch, write } = started({}, cloud)
  watch.prefer('heat')
  // 40 ms a token: a reader falls behind by 85 ms with each, and 900 ms are covered after 11.
  expect(watch.next(write(5, 0)).do).toBe('wait')
  const lastMs = write(10, 200)
  expect(watch.aheadOfReader(lastMs)).toBeGreaterThan(7.2)
  expect(watch.next(lastMs)).toEqual({ do: 'move', reason: 'heat', isFailure: false, mayRecover: false })
  watch.prefer(undefined)
  expect(watch.next(lastMs).do).toBe('wait')
})

test('a voluntary move to the device is read ahead first, while the cloud writes on', () => {
  const { watch, write } = started()
  watch.prefer('battery')
  let lastMs = write(20, 0)
  expect(watch.next(lastMs)).toMatchObject({ do: 'prepare', reason: 'battery' })
  lastMs = write(5, lastMs + 40)
  expect(watch.next(lastMs).do).toBe('wait')
  watch.prepared()
  expect(watch.next(lastMs)).toMatchObject({ do: 'move', reason: 'battery' })
})

test('a much faster other side: only where the reader would notice', () => {
  const fast = { ...cloud, firstTokenMs: 500 }
  const slow = started({ tokenMs: 300 }, fast)
  expect(slow.watch.next(slow.write(20, 0, 300))).toMatchObject({ do: 'move', reason: 'faster' })
  const fine = started({ tokenMs: 100 }, fast)
  expect(fine.watch.next(fine.write(20, 0, 100)).do).toBe('wait')
  const whole = started({ tokenMs: 100, objective: 'whole' }, fast)
  expect(whole.watch.next(whole.write(30, 0, 100)).do).toBe('move')
  const nearlyDone = started({ tokenMs: 300, answerTokens: 22 }, fast)
  expect(nearlyDone.watch.next(nearlyDone.write(20, 0, 300)).do).toBe('wait')
})

test('whatever comes, what is waited for lies ahead, and nothing is read ahead twice at once', () => {
  const event = fc.oneof(
    fc.record({
      type: fc.constant('tokens' as const),
      afterMs: fc.integer({ min: 0, max: 4_000 }),
      count: fc.integer({ min: 0, max: 4 }),
    }),
    fc.record({
      type: fc.constantFrom('prepared' as const, 'heat' as const, 'calm' as const, 'gone' as const, 'edge' as const),
      afterMs: fc.integer({ min: 0, max: 3_000 }),
      count: fc.constant(0),
    }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const { watch } = started()
      let nowMs = 0
      let isPreparing = false
      for (const { type, afterMs, count } of events) {
        nowMs += afterMs
        if (type === 'tokens') watch.tokens(nowMs, count)
        else if (type === 'prepared') watch.prepared()
        else if (type === 'heat') watch.prefer('heat')
        else if (type === 'calm') watch.prefer(undefined)
        else watch.receiver(type === 'gone' ? undefined : edge)
        if (type === 'tokens' || type === 'prepared') isPreparing = false
        const action = watch.next(nowMs)
        if (action.do === 'wait') expect(action.untilMs).toBeGreaterThan(nowMs)
        if (action.do === 'prepare') {
          expect(isPreparing).toBe(false)
          isPreparing = true
          expect(watch.next(nowMs).do).not.toBe('prepare')
        }
        if (type === 'gone' && action.do !== 'wait') expect(action.do).toBe('move')
      }
    }),
  )
})

test('what a move costs of a budget that is nearly spent counts as time', () => {
  const toMove = (extraMs: number, why?: 'heat') => {
    const { watch, write } = started({ tokenMs: 400, objective: 'whole' }, { ...cloud, extraMs })
    const lastMs = write(20, 500, 400)
    watch.prefer(why)
    return watch.next(lastMs).do
  }
  // 180 tokens more take 72 s here, and some 6 s there.
  expect(toMove(0)).toBe('move')
  expect(toMove(60_000)).toBe('move')
  expect(toMove(70_000)).toBe('wait')
  // A device that is hot is left for as much as all that it would still write is worth.
  expect(toMove(70_000, 'heat')).toBe('move')
  expect(toMove(80_000, 'heat')).toBe('wait')
})
