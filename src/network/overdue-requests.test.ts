import { expect, test, vi } from 'vitest'
import { createOverdueRequests } from './overdue-requests.ts'

function setUp() {
  const clock = { nowMs: 1_000 }
  const link = { observeAtLeast: vi.fn() }
  return { clock, link, overdue: createOverdueRequests(link, () => clock.nowMs) }
}

test('an overdue request teaches the link, and again when it has waited twice as long', () => {
  const { clock, link, overdue } = setUp()
  overdue.sent({ requestBytes: 5_000, slowAfterMs: 400 })
  const callsAt = (ms: number) => {
    clock.nowMs = 1_000 + ms
    overdue.teachLink()
    return link.observeAtLeast.mock.calls.length
  }
  expect([callsAt(100), callsAt(400), callsAt(500), callsAt(999), callsAt(1_001), callsAt(1_900)]).toEqual([
    0, 0, 1, 1, 2, 2,
  ])
  expect(link.observeAtLeast).toHaveBeenLastCalledWith({ requestBytes: 5_000, elapsedMs: 1_001 })
})

test('of several overdue requests only the oldest teaches, and none that has ended', () => {
  const { clock, link, overdue } = setUp()
  const ends = [1, 2, 3].map((requestBytes) => overdue.sent({ requestBytes, slowAfterMs: 100 }))
  clock.nowMs += 200
  overdue.teachLink()
  overdue.teachLink()
  expect(link.observeAtLeast.mock.calls).toEqual([[{ requestBytes: 1, elapsedMs: 200 }]])
  for (const end of ends) end()
  clock.nowMs += 10_000
  overdue.teachLink()
  expect(link.observeAtLeast).toHaveBeenCalledTimes(1)
})

test('a clock that jumps back or is NaN teaches nothing', () => {
  const { clock, link, overdue } = setUp()
  overdue.sent({ requestBytes: 1, slowAfterMs: 100 })
  for (const nowMs of [-1e9, Number.NaN]) {
    clock.nowMs = nowMs
    overdue.teachLink()
  }
  expect(link.observeAtLeast).not.toHaveBeenCalled()
})
