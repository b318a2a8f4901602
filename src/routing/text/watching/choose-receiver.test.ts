import { expect, test } from 'vitest'
import { chooseReceiver } from './choose-receiver.ts'

const edge = (firstTokenMs: number, isAllowed = true) => ({ arm: 'edge', firstTokenMs, isAllowed }) as const
const cloud = (firstTokenMs: number, endpoint = 'a', isAllowed = true) =>
  ({ arm: 'cloud', endpoint, firstTokenMs, isAllowed }) as const
const fromCloud = { arm: 'cloud', endpoint: 'a' } as const

test.each([
  ['the other arm goes on', fromCloud, [edge(900), cloud(800)], 1, 'edge'],
  ['an endpoint goes on for another', fromCloud, [edge(9_000), cloud(800), cloud(700, 'b')], 1, 'cloud b'],
  [
    'a device that would need minutes does not: the endpoint is asked anew',
    fromCloud,
    [edge(90_000), cloud(800)],
    1,
    'cloud a',
  ],
  ['but not twice', fromCloud, [edge(90_000), cloud(800)], 2, 'edge'],
  ['whose breaker is open is not asked', fromCloud, [edge(90_000), cloud(800, 'a', false)], 1, 'edge'],
  [
    'where nobody else may, the arm itself, as often as it takes',
    { arm: 'edge' },
    [edge(900), cloud(100, 'a', false)],
    3,
    'edge',
  ],
  [
    'one that would overdraw a budget gives way to a slower one that does not',
    fromCloud,
    [{ ...cloud(800, 'b'), extraMs: 9_000 }, edge(5_000)],
    1,
    'edge',
  ],
  ['and goes on where nobody else can', fromCloud, [{ ...cloud(800, 'b'), extraMs: 9_000 }], 1, 'cloud b'],
  [
    'to ask the arm anew costs as much as to ask another',
    fromCloud,
    [
      { ...cloud(800), extraMs: 9_000 },
      { ...cloud(900, 'b'), extraMs: 9_000 },
    ],
    1,
    'cloud b',
  ],
  [
    'the arm anew, where the budget lasts for no other',
    fromCloud,
    [cloud(800), { ...edge(900), extraMs: 9_000 }],
    1,
    'cloud a',
  ],
  ['nobody', fromCloud, [edge(900, false), cloud(800, 'a', false)], 1, undefined],
  ['a voluntary move never goes to the arm itself', { arm: 'edge' }, [edge(10)], 0, undefined],
] as const)('%s', (_, from, options, failures, expected) => {
  const taken = chooseReceiver(from, options, failures)
  expect(taken && [taken.arm, taken.endpoint].filter(Boolean).join(' ')).toBe(expected)
})
