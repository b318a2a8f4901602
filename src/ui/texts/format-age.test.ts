import { expect, it } from 'vitest'
import { formatAge } from './format-age.ts'

it.each([
  [0, 'just now'],
  [12_000, '12 s ago'],
  [59_600, '1 min ago'],
  [200_000, '3 min ago'],
  [7_300_000, '2 h ago'],
])('age %d', (ms, text) => expect(formatAge(ms).replaceAll('\u00a0', ' ')).toBe(text))
