import { expect, test } from 'vitest'
import { logNormal } from '../../utils/log-normal.ts'
import type { RouterSnapshot } from '../router-types.ts'
import { createRouter } from './create-router.ts'
import { type CascadeSituation, decideCascade } from './decide-cascade.ts'

const peek = (changes: Partial<RouterSnapshot>) => async () =>
  createRouter({ now: () => 0 }).peek({
    model: 'large',
    privacy: 'any',
    online: true,
    saveData: false,
    edge: { status: 'ready', time: logNormal(80, 0.05) },
    clouds: [{ endpoint: 'near', hasModel: true, time: logNormal(300, 0.2), ageMs: 100 }],
    ...changes,
  })
const decide = (changes: Partial<CascadeSituation>) =>
  decideCascade({
    confidence: 0.5,
    minConfidence: 0.9,
    large: peek({}),
    largeIsHere: async () => true,
    leftMs: undefined,
    ...changes,
  })
const noCloud = { edge: { status: 'absent', time: logNormal(4000, 0.5) }, clouds: [] } as const

test.each<[string, Partial<CascadeSituation>, Awaited<ReturnType<typeof decideCascade>>]>([
  ['a sure answer is taken', { confidence: 0.9 }, 'confident'],
  ['an unsure one is asked again', { confidence: 0.89 }, 'ask'],
  ['a confidence that is no number is none', { confidence: Number.NaN }, 'ask'],
  [
    'nobody waits for a download for a second opinion',
    { large: peek(noCloud), largeIsHere: async () => false },
    'large-absent',
  ],
  ['an endpoint bridges the download', { large: peek({ edge: noCloud.edge }), largeIsHere: async () => false }, 'ask'],
  [
    'no arm may be asked',
    { large: peek({ ...noCloud, privacy: 'edge-only', online: false }), largeIsHere: async () => false },
    'large-absent',
  ],
  ['there is time for it', { leftMs: 200 }, 'ask'],
  ['there is hardly time for it', { leftMs: 90 }, 'ask'],
  ['there is not quite time for it', { leftMs: 70 }, 'large-too-late'],
  ['the time is over', { leftMs: -1 }, 'large-too-late'],
])('%s', async (_, changes, outcome) => {
  expect(await decide(changes)).toBe(outcome)
})

test('the large model is not even looked at when the small one is sure', async () => {
  const large = () => Promise.reject(new Error('it was looked at'))
  expect(await decide({ confidence: 0.95, large })).toBe('confident')
})
