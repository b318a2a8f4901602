import { expect, test } from 'vitest'
import { logNormal } from '../../utils/log-normal.ts'
import { createSeededRandom } from '../../utils/seeded-random.ts'
import type { EdgeOption, RouterSnapshot } from '../router-types.ts'
import { createRouter } from './create-router.ts'

/** A device that takes 300 ms where it usually takes 60, beside an endpoint that takes 100. */
const throttled = (edge: Partial<EdgeOption> = {}, changes: Partial<RouterSnapshot> = {}): RouterSnapshot => ({
  model: 'digits',
  privacy: 'any',
  online: true,
  saveData: false,
  edge: { status: 'ready', time: logNormal(300, 0.02), usualMs: 60, ageMs: 61_000, ...edge },
  clouds: [{ endpoint: 'near', hasModel: true, time: logNormal(100, 0.02), ageMs: 100 }],
  ...changes,
})
const open = () => {
  const clock = { nowMs: 1e9 }
  const router = createRouter({ random: createSeededRandom(1), now: () => clock.nowMs })
  const secondOf = (snapshot: RouterSnapshot) => {
    const plan = router.decide(snapshot)
    return plan.arm === undefined ? undefined : plan.second
  }
  return { clock, router, secondOf }
}
const tried = { arm: 'edge', afterMs: 0, purpose: 'explore' }

test('a device that was slower than it usually is runs beside the endpoint once it was not measured for a minute', () => {
  expect(open().secondOf(throttled({ ageMs: 59_000 }))).not.toMatchObject(tried)
  expect(open().secondOf(throttled())).toMatchObject(tried)
})

test('it is tried once a minute, whatever its age says, and again when the clock was set back', () => {
  const { clock, secondOf } = open()
  expect(secondOf(throttled())).toMatchObject(tried)
  clock.nowMs += 59_000
  expect(secondOf(throttled())).not.toMatchObject(tried)
  clock.nowMs += 1_000
  expect(secondOf(throttled())).toMatchObject(tried)
  clock.nowMs -= 1e6
  expect(secondOf(throttled())).toMatchObject(tried)
})

test.each<[string, RouterSnapshot]>([
  ['it is as it usually is', throttled({ usualMs: 290 })],
  ['nobody knows what is usual', throttled({ usualMs: undefined })],
  ['its usual time would lose, too', throttled({ usualMs: 120 })],
  ['others wait for it', throttled({ waitMs: 60, time: logNormal(360, 0.02) })],
  ['the battery is low', throttled({}, { savePower: true })],
  ['the request can be run once only', throttled({}, { once: true })],
])('it is not tried where %s', (_, snapshot) => {
  expect(open().secondOf(snapshot)).not.toMatchObject(tried)
})

test('a look at what would be decided tries nothing', () => {
  const { router, secondOf } = open()
  router.peek(throttled())
  expect(secondOf(throttled())).toMatchObject(tried)
})
