import { describe, expect, it } from 'vitest'
import { formatBytes } from './format-bytes.ts'
import { formatCount, formatShare } from './format-count.ts'
import { formatMs } from './format-ms.ts'
import { formatPercent } from './format-percent.ts'
import { formatBitRate, formatMacRate, formatRate } from './format-rate.ts'

const plain = (text: string) => text.replaceAll('\u00a0', ' ')

describe('figures for people', () => {
  it.each([
    [0, '0.00 ms'],
    [0.424, '0.42 ms'],
    [0.999, '1.0 ms'],
    [7.14, '7.1 ms'],
    [9.97, '10 ms'],
    [239.6, '240 ms'],
    [999.9, '1.00 s'],
    [1240, '1.24 s'],
    [12_340, '12.3 s'],
    [125_000, '2 min 5 s'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
    [null, '–'],
    [undefined, '–'],
  ])('duration %s', (ms, text) => expect(plain(formatMs(ms))).toBe(text))

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [381_200, '381 kB'],
    [999_700, '1.0 MB'],
    [14_310_000, '14.3 MB'],
    [2_000_000_000, '2.0 GB'],
    [-1, '–'],
  ])('size %d', (bytes, text) => expect(plain(formatBytes(bytes))).toBe(text))

  it.each([
    [500_000, '500 kbit/s'],
    [12_400_000, '12.4 Mbit/s'],
    [940_000_000, '940 Mbit/s'],
    [1_000_000_000, '1.00 Gbit/s'],
    [Number.NaN, '–'],
  ])('link %d', (rate, text) => expect(plain(formatBitRate(rate))).toBe(text))

  it.each([
    [1_240_400_000, '1,240 M MAC/s'],
    [3_200_000, '3.20 M MAC/s'],
  ])('backend %d', (rate, text) => expect(plain(formatMacRate(rate))).toBe(text))

  it.each([
    [0, '0.0 %'],
    [0.0004, '< 0.1 %'],
    [0.9724, '97.2 %'],
    [0.9994, '99.9 %'],
    [0.9996, '100 %'],
    [1.01, '100 %'],
  ])('probability %d', (share, text) => expect(plain(formatPercent(share))).toBe(text))

  it.each([
    [0, '0'],
    [1_234, '1,234'],
    [99_999, '99,999'],
    [1_234_567, '1.23M'],
  ])('count %d', (count, text) => expect(formatCount(count, 'en')).toBe(text))

  it.each([
    [1, 3, '33.3%'],
    [0, 0, '–'],
    [1, 10_000, '0.01%'],
    [9_999, 10_000, '99.99%'],
  ])('%d of %d', (part, whole, text) => expect(formatShare(part, whole, 'en')).toBe(text))

  it('writes how often something happens', () => expect(formatRate(0.01234, 'en')).toBe('0.0123'))
})
