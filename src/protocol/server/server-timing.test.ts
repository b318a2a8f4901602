import { describe, expect, it } from 'vitest'
import { formatServerTiming, parseServerTiming } from './server-timing.ts'

const read = (header: string | null) => Object.fromEntries(parseServerTiming(header))

describe('formatServerTiming', () => {
  it('writes durations and leaves out what is none', () => {
    const durations = { queue: 0, compute: 12.34567, total: Number.NaN, load: -1, upload: Number.POSITIVE_INFINITY }
    expect(formatServerTiming(durations)).toBe('queue;dur=0, compute;dur=12.346')
  })

  it('writes what parseServerTiming reads', () => {
    expect(read(formatServerTiming({ queue: 1.5, total: 1e6 }))).toEqual({ queue: 1.5, total: 1_000_000 })
  })
})

describe('parseServerTiming', () => {
  it.each([
    [null, {}],
    ['', {}],
    ['queue;dur=1.5, compute;dur=20', { queue: 1.5, compute: 20 }],
    [' queue ; dur = 1.5 ,compute;DUR=2e1', { queue: 1.5, compute: 20 }],
    ['cache;desc="hit, or; not \\" it";dur=3', { cache: 3 }],
    ['total;dur="7.5"', { total: 7.5 }],
    ['miss, total;dur=1', { total: 1 }],
    ['a;dur=-1, b;dur=NaN, c;dur=Infinity, d;dur=, e;dur=1e999, f;dur=0x10, g;dur=1;dur=2', { g: 1 }],
    ['a;dur=1, a;dur=2', { a: 1 }],
    ['a;desc="unclosed;dur=1', {}],
    [';dur=4, ,,', {}],
  ])('of %j', (header, expected) => {
    expect(read(header)).toEqual(expected)
  })

  it('keeps a name that is dangerous as a key in its map', () => {
    expect(parseServerTiming('__proto__;dur=1').get('__proto__')).toBe(1)
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})
