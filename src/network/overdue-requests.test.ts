import { expect, test, vi } from 'vitest'
import { createSilence } from './overdue-requests.ts'

function setUp() {
  const clock = { nowMs: 1_000 }
  const link = { observeAtLeast: vi.fn() }
  return { clock, link, silence: createSilence(link, () => clock.nowMs) }
}

test('a request that waits longer than was predicted teaches, and again when it has waited twice as long', () => {
  const { clock, link, silence } = setUp()
  silence.sent({ requestBytes: 5_000, slowAfterMs: 400 })
  const heedAt = (ms: number) => {
    clock.nowMs = 1_000 + ms
    silence.heed()
    return link.observeAtLeast.mock.calls.length
  }
  expect([heedAt(100), heedAt(400), heedAt(500), heedAt(999), heedAt(1_001), heedAt(1_900)]).toEqual([0, 0, 1, 1, 2, 2])
  expect(link.observeAtLeast).toHaveBeenLastCalledWith({ requestBytes: 5_000, elapsedMs: 1_001 })
})

test('of many that wait for the same reason the oldest one speaks, and none that has ended', () => {
  const { clock, link, silence } = setUp()
  const ends = [1, 2, 3].map((requestBytes) => silence.sent({ requestBytes, slowAfterMs: 100 }))
  clock.nowMs += 200
  silence.heed()
  silence.heed()
  expect(link.observeAtLeast.mock.calls).toEqual([[{ requestBytes: 1, elapsedMs: 200 }]])
  for (const end of ends) end()
  clock.nowMs += 10_000
  silence.heed()
  expect(link.observeAtLeast).toHaveBeenCalledTimes(1)
})

test('a clock that jumps back, and a time that is none, teach nothing', () => {
  const { clock, link, silence } = setUp()
  silence.sent({ requestBytes: 1, slowAfterMs: 100 })
  for (const nowMs of [-1e9, Number.NaN]) {
    clock.nowMs = nowMs
    silence.heed()
  }
  expect(link.observeAtLeast).not.toHaveBeenCalled()
})
