import { describe, expect, it } from 'vitest'
import { formatBytes } from './format-bytes.ts'
import { formatAge, formatMs } from './format-ms.ts'
import { formatPercent } from './format-percent.ts'
import { formatBitRate, formatMacRate } from './format-rate.ts'

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
  ])('duration %d', (ms, text) => expect(plain(formatMs(ms))).toBe(text))

  it.each([
    [0, 'just now'],
    [12_000, '12 s ago'],
    [59_600, '1 min ago'],
    [200_000, '3 min ago'],
    [7_300_000, '2 h ago'],
  ])('age %d', (ms, text) => expect(plain(formatAge(ms))).toBe(text))

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
})
