import { expect, test } from 'vitest'
import { type LogNormal, logNormal, meanOf } from '../../utils/log-normal.ts'
import { createSeededRandom } from '../../utils/seeded-random.ts'
import type { CloudOption, RoutePlan, RouterPolicy, RouterSnapshot } from '../router-types.ts'
import { createRouter } from './create-router.ts'

const cloudOf = (endpoint: string, time: LogNormal, more: Partial<CloudOption> = {}): CloudOption => ({
  endpoint,
  hasModel: true,
  time,
  ageMs: 100,
  ...more,
})
const edgeOf = (time: LogNormal, more: Partial<RouterSnapshot['edge']> = {}): RouterSnapshot['edge'] => ({
  status: 'ready',
  time,
  ...more,
})
/** A cloud that is faster, but far less sure: hedged by the edge. */
const hedged: RouterSnapshot = {
  model: 'digits',
  privacy: 'any',
  online: true,
  saveData: false,
  edge: edgeOf(logNormal(300, 0.02)),
  clouds: [cloudOf('near', logNormal(100, 0.3))],
}
const open = (seed = 1, policy: Partial<RouterPolicy> = {}) =>
  createRouter({ random: createSeededRandom(seed), now: () => 0, policy })
function planFor(changes: Partial<RouterSnapshot> = {}, router = open()): RoutePlan {
  const plan = router.decide({ ...hedged, ...changes })
  if (plan.arm === undefined) throw new Error(plan.reason)
  return plan
}

test.each<[string, Partial<RouterSnapshot>]>([
  ['the battery is low', { savePower: true }],
  ['the request must not run twice', { once: true }],
  ['the model is not ready at the edge', { edge: edgeOf(logNormal(300, 0.02), { status: 'loading' }) }],
])('the cloud is not hedged by the edge when %s', (_, changes) => {
  expect(planFor()).toMatchObject({ arm: 'cloud', second: { arm: 'edge', purpose: 'hedge' } })
  const plan = planFor(changes)
  expect(plan).toMatchObject({ arm: 'cloud', fallbacks: [{ arm: 'edge' }] })
  expect(plan.second).toBeUndefined()
})

test('of arms that start together, the one with the smaller mean is the first', () => {
  for (const [edgeMs, cloudMs] of [
    [200, 140],
    [140, 200],
  ] as const) {
    const [edge, cloud] = [logNormal(edgeMs, 0.8), logNormal(cloudMs, 0.8)]
    const plan = planFor({ edge: edgeOf(edge), clouds: [cloudOf('near', cloud)] })
    expect(plan.second?.afterMs).toBe(0)
    expect(plan.arm).toBe(meanOf(edge) < meanOf(cloud) ? 'edge' : 'cloud')
  }
})

test('every other place is a fall-back: the other arm first, then the endpoints by their cost', () => {
  const clouds = [
    cloudOf('far', logNormal(200, 0.02)),
    cloudOf('near', logNormal(100, 0.02)),
    cloudOf('mid', logNormal(150, 0.02)),
  ]
  const endpoints = (plan: RoutePlan) => plan.fallbacks.map(({ arm, endpoint = arm }) => endpoint)
  expect(endpoints(planFor({ clouds, edge: edgeOf(logNormal(900, 0.02)) }))).toEqual(['edge', 'mid', 'far'])
  expect(endpoints(planFor({ clouds, edge: edgeOf(logNormal(20, 0.02)) }))).toEqual(['near', 'mid', 'far'])
  expect(endpoints(planFor({ clouds, edge: edgeOf(logNormal(20, 0.02)), privacy: 'cloud-only' }))).toEqual([
    'mid',
    'far',
  ])
})

test('a second endpoint hedges the first where the edge must not run', () => {
  const clouds = [cloudOf('far', logNormal(200, 0.02)), cloudOf('near', logNormal(100, 0.5))]
  expect(planFor({ clouds, privacy: 'cloud-only' })).toMatchObject({
    endpoint: 'near',
    reason: 'cloud-only',
    second: { arm: 'cloud', endpoint: 'far', purpose: 'hedge' },
  })
  const lacking = [cloudOf('far', logNormal(200, 0.02), { hasModel: false }), clouds[1] as CloudOption]
  expect(planFor({ clouds: lacking, privacy: 'cloud-only' }).second).toBeUndefined()
})

test('of two endpoints the cheaper one is taken, its price in milliseconds counted', () => {
  const edge = edgeOf(logNormal(900, 0.02))
  const fast = logNormal(100, 0.02)
  const slower = cloudOf('b', logNormal(120, 0.02))
  expect(planFor({ edge, clouds: [cloudOf('a', fast), slower] }).endpoint).toBe('a')
  expect(planFor({ edge, clouds: [cloudOf('a', fast, { qualityMs: 100 }), slower] }).endpoint).toBe('b')
})

test('an arm that is slower but cheaper is taken as the cheaper one', () => {
  const edge = edgeOf(logNormal(300, 0.05))
  expect(planFor({ edge, clouds: [cloudOf('a', logNormal(240, 0.02))] })).toMatchObject({ reason: 'cloud-faster' })
  expect(planFor({ edge, clouds: [cloudOf('a', logNormal(240, 0.02), { qualityMs: 200 })] })).toMatchObject({
    arm: 'edge',
    reason: 'edge-cheaper',
  })
})

/** How many of many routers, differing in their random numbers alone, explore the cloud. */
function exploring(ageMs: number, wasted = 0): number {
  let count = 0
  for (let seed = 1; seed <= 60; seed += 1) {
    const router = open(seed)
    for (let run = 0; run < wasted; run += 1) {
      const plan = planFor(
        { edge: edgeOf(logNormal(200, 0.8)), clouds: [cloudOf('near', logNormal(200, 0.8))] },
        router,
      )
      router.observe(plan, { arm: 'cloud', endpoint: 'near', result: 'lost', ms: 200 })
      router.settle(plan)
    }
    const plan = planFor({ clouds: [cloudOf('near', logNormal(320, 0.3), { ageMs })] }, router)
    if (plan.second?.purpose === 'explore') count += 1
  }
  return count
}

test('the cloud is explored as often as it may be faster, when its link was not measured for a minute', () => {
  const count = exploring(60_000)
  expect(count).toBeGreaterThan(12)
  expect(count).toBeLessThan(48)
  expect(exploring(59_999)).toBe(0)
})

test('the cloud is not explored while a wasted run of it is not paid back', () => {
  expect(exploring(60_000, 1)).toBe(0)
})

test('a probe is planned at most every three seconds', () => {
  let nowMs = 0
  const router = createRouter({ random: createSeededRandom(1), now: () => nowMs })
  const close = { edge: edgeOf(logNormal(100, 0.01)), clouds: [cloudOf('near', logNormal(150, 0.3), { ageMs: 5_000 })] }
  const probed = () => planFor(close, router).probe
  expect(router.peek({ ...hedged, ...close })).toMatchObject({ probe: 'near' })
  expect([probed(), probed()]).toEqual(['near', undefined])
  nowMs = 3_000
  expect(probed()).toBe('near')
})
