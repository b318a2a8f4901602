import { describe, expect, it } from 'vitest'
import { byConversation, byKey, byLoad, mayEject, usableUpstreams } from './choose-upstream.ts'
import { createUpstreamState } from './upstream-state.ts'

function upstream(url: string, { inFlight = 0, answerMs }: { inFlight?: number; answerMs?: number } = {}) {
  const state = createUpstreamState()
  state.checked(true)
  for (let count = 0; count < inFlight; count += 1) state.begin()
  if (answerMs !== undefined) state.succeeded(answerMs)
  return { url, state }
}

const eject = ({ state }: ReturnType<typeof upstream>, nowMs: number) => {
  for (let count = 0; count < 5; count += 1) state.failed(nowMs, true)
}
const names = (upstreams: readonly { url: string }[]) => upstreams.map(({ url }) => url)
const how = { nowMs: 0, random: () => 0.5 }

describe('byConversation', () => {
  const urls = ['a', 'b', 'c']
  const firstOf = (all: ReturnType<typeof upstream>[], talk: string, nowMs = 0) =>
    byConversation(all, talk, nowMs)[0]?.url

  it('puts the same upstream first for the same conversation, and others for others', () => {
    const talks = Array.from({ length: 60 }, (_, index) => `talk ${index}`)
    const first = talks.map((talk) =>
      firstOf(
        urls.map((url) => upstream(url)),
        talk,
      ),
    )
    expect(
      talks.map((talk) =>
        firstOf(
          [...urls].reverse().map((url) => upstream(url)),
          talk,
        ),
      ),
    ).toEqual(first)
    for (const url of urls) expect(first.filter((each) => each === url).length).toBeGreaterThan(8)
    // Of a conversation whose upstream stays, nothing changes when another one goes.
    const left = talks.map((talk) =>
      firstOf(
        ['a', 'b'].map((url) => upstream(url)),
        talk,
      ),
    )
    expect(left.filter((url, index) => first[index] !== 'c' && url !== first[index])).toEqual([])
  })

  it('passes over one that has more than its share, or said that it is overloaded', () => {
    const own = firstOf(
      urls.map((url) => upstream(url)),
      'talk',
    )
    const busy = urls.map((url) => upstream(url, { inFlight: url === own ? 4 : 1 }))
    expect(firstOf(busy, 'talk')).not.toBe(own)
    expect(names(byConversation(busy, 'talk', 0))).toHaveLength(3)
    const told = urls.map((url) => upstream(url))
    told.find(({ url }) => url === own)?.state.overloaded(0, 1_000)
    expect(firstOf(told, 'talk')).not.toBe(own)
    expect(firstOf(told, 'talk', 1_000)).toBe(own)
  })
})

describe('byLoad', () => {
  it('puts the fewest under way first, then the quicker one', () => {
    const all = [upstream('a', { inFlight: 2 }), upstream('b', { answerMs: 9 }), upstream('c', { answerMs: 3 })]
    expect(names(byLoad(all, how))).toEqual(['c', 'b', 'a'])
  })

  it('puts one that says it is overloaded last, for as long as it asked', () => {
    const [a, b] = [upstream('a'), upstream('b', { inFlight: 3 })]
    a.state.overloaded(0, 1_000)
    expect(names(byLoad([a, b], how))).toEqual(['b', 'a'])
    expect(names(byLoad([a, b], { ...how, nowMs: 1_000 }))).toEqual(['a', 'b'])
  })

  it('draws lots between equals', () => {
    const lots = [0.9, 0.1]
    expect(names(byLoad([upstream('a'), upstream('b')], { nowMs: 0, random: () => lots.shift() ?? 0 }))).toEqual([
      'b',
      'a',
    ])
  })
})

describe('usableUpstreams', () => {
  it('leaves out one that failed five times in a row, for longer each time', () => {
    const [a, b] = [upstream('a'), upstream('b')]
    eject(a, 0)
    expect(names(usableUpstreams([a, b], 9_999))).toEqual(['b'])
    expect(names(usableUpstreams([a, b], 10_000))).toEqual(['a', 'b'])
    eject(a, 10_000)
    expect(names(usableUpstreams([a, b], 29_999))).toEqual(['b'])
    expect(names(usableUpstreams([a, b], 30_000))).toEqual(['a', 'b'])
  })

  it('takes those that are left out when there is no other', () => {
    const [a, b] = [upstream('a'), upstream('b')]
    eject(a, 0)
    b.state.checked(false)
    expect(names(usableUpstreams([a, b], 1))).toEqual(['b'])
    b.state.checked(false)
    expect(names(usableUpstreams([a, b], 1))).toEqual(['a'])
  })

  it('forgets failures after a success', () => {
    const a = upstream('a')
    for (let count = 0; count < 40; count += 1) {
      a.state.failed(0, true)
      if (count % 4 === 3) a.state.succeeded(1)
    }
    expect(a.state.ejected(0)).toBe(false)
  })
})

it('at most half of the upstreams may be left out, and never the only one', () => {
  const all = ['a', 'b', 'c', 'd'].map((url) => upstream(url))
  expect(mayEject(all.slice(0, 1), 0)).toBe(false)
  for (const [index, one] of all.entries()) {
    expect(mayEject(all, 0)).toBe(index < 2)
    if (index < 2) eject(one, 0)
  }
})

describe('byKey', () => {
  const all = ['a', 'b', 'c'].map((url) => upstream(url))
  const keys = Array.from({ length: 300 }, (_, index) => `sequence-${index}`)
  const home = (upstreams: typeof all, key: string) => byKey(upstreams, key)[0]?.url

  it('spreads keys, and moves only those of one that is gone', () => {
    const counts = ['a', 'b', 'c'].map((url) => keys.filter((key) => home(all, key) === url).length)
    expect(Math.min(...counts)).toBeGreaterThan(60)
    const rest = all.slice(0, 2)
    for (const key of keys) if (home(all, key) !== 'c') expect(home(rest, key)).toBe(home(all, key))
  })
})
