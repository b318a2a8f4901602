import { expect, it } from 'vitest'
import { languageFor } from './language.ts'

it.each([
  { preference: 'auto', wanted: ['de', 'zh-TW', 'en'], speaks: 'zh-Hans' },
  { preference: 'auto', wanted: ['en-GB', 'zh'], speaks: 'en' },
  { preference: 'auto', wanted: ['de'], speaks: 'en' },
  { preference: 'auto', wanted: [], speaks: 'en' },
  { preference: 'zh-Hans', wanted: ['en'], speaks: 'zh-Hans' },
  { preference: 'en', wanted: ['zh'], speaks: 'en' },
] as const)('$preference with $wanted: $speaks', ({ preference, wanted, speaks }) =>
  expect(languageFor(preference, wanted)).toBe(speaks),
)
