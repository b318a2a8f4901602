import { expect, it } from 'vitest'
import { formatCount, formatMs, formatRate, formatShare, nothing } from './format.ts'

it('writes figures as people read them', () => {
  expect([0, 1_234, 99_999, 1_234_567].map((count) => formatCount(count, 'en'))).toEqual([
    '0',
    '1,234',
    '99,999',
    '1.23M',
  ])
  expect(formatRate(0.01234, 'en')).toBe('0.0123')
  expect([0.42, 7.14, 240.4, 1_236].map((ms) => formatMs(ms).replace('\u00a0', ' '))).toEqual([
    '0.42 ms',
    '7.1 ms',
    '240 ms',
    '1.24 s',
  ])
  expect([null, undefined, Number.NaN].map(formatMs)).toEqual([nothing, nothing, nothing])
  expect(formatShare(1, 3, 'en')).toBe('33.3%')
  expect(formatShare(0, 0, 'en')).toBe(nothing)
})

it('does not round a few away', () => {
  expect(formatShare(1, 10_000, 'en')).toBe('0.01%')
  expect(formatShare(9_999, 10_000, 'en')).toBe('99.99%')
})
