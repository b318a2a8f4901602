import fc from 'fast-check'
import { expect, test } from 'vitest'
import { privacyModes } from '../../contracts/route.ts'
import { type LogNormal, logNormal } from '../../utils/log-normal.ts'
import { createSeededRandom } from '../../utils/seeded-random.ts'
import type { EdgeStatus, RouterSnapshot } from '../router-types.ts'
import { createRouter } from './create-router.ts'

const snapshotWith = (changes: Partial<RouterSnapshot> = {}): RouterSnapshot => ({
  model: 'digits',
  privacy: 'any',
  online: true,
  saveData: false,
  edge: { status: 'ready', time: logNormal(80, 0.05) },
  clouds: [{ endpoint: 'near', hasModel: true, time: logNormal(300, 0.2), ageMs: 100 }],
  ...changes,
})
const seeded = (seed = 1) => createRouter({ random: createSeededRandom(seed), now: () => 0 })

test('the arm that is predicted to finish first starts, and the plan says why', () => {
  expect(seeded().decide(snapshotWith())).toMatchObject({ arm: 'edge', reason: 'edge-faster' })
  const slow = snapshotWith({ edge: { status: 'ready', time: logNormal(1000, 0.05) } })
  expect(seeded().decide(slow)).toMatchObject({ arm: 'cloud', endpoint: 'near', reason: 'cloud-faster' })
})

test('a cloud whose time is in doubt runs beside the edge, which follows before the slow side is waited for', () => {
  const planFor = (medianMs: number, variance: number) => {
    const plan = seeded().decide(
      snapshotWith({
        edge: { status: 'ready', time: logNormal(300, 0.02) },
        clouds: [{ endpoint: 'near', hasModel: true, time: logNormal(medianMs, variance), ageMs: 100 }],
      }),
    )
    if (plan.arm === undefined) throw new Error(plan.reason)
    return plan
  }
  const known = planFor(100, 0.05)
  expect(known).toMatchObject({ arm: 'cloud', second: { arm: 'edge', purpose: 'hedge' } })
  expect(known.second?.afterMs).toBeGreaterThan(100)
  expect(known.second?.afterMs).toBeLessThan(300)
  const doubtful = planFor(100, 0.8)
  expect(new Set([doubtful.arm, doubtful.second?.arm]).size).toBe(2)
  expect(doubtful.second?.afterMs).toBeLessThan(100)
})

test('of several endpoints the fastest one is taken, and the others follow when it fails', () => {
  const plan = seeded().decide(
    snapshotWith({
      edge: { status: 'unavailable' },
      clouds: [
        { endpoint: 'far', hasModel: true, time: logNormal(300, 0.01) },
        { endpoint: 'near', hasModel: true, time: logNormal(60, 0.01) },
        { endpoint: 'nearest', hasModel: false, time: logNormal(20, 0.01) },
      ],
    }),
  )
  expect(plan).toMatchObject({ arm: 'cloud', endpoint: 'near' })
  expect(plan.arm !== undefined && plan.fallbacks[0]).toEqual({ arm: 'cloud', endpoint: 'far' })
})

test('where requests follow closely, a run here is charged with what it makes the next ones wait', () => {
  const armOf = (gapMs: number, edge: Partial<RouterSnapshot['edge']>) => {
    let nowMs = 0
    const router = createRouter({ random: createSeededRandom(1), now: () => nowMs })
    const snapshot = snapshotWith({
      edge: { status: 'ready', time: logNormal(300, 0.02), ...edge },
      clouds: [{ endpoint: 'near', hasModel: true, time: logNormal(340, 0.005), ageMs: 100 }],
    })
    for (let request = 0; request < 60; request += 1) {
      router.decide(snapshotWith({ edge: { status: 'ready', time: logNormal(300, 0.02) }, clouds: [] }))
      nowMs += gapMs
    }
    return router.decide(snapshot).arm
  }
  expect(armOf(30_000, { busyMs: 300, waitMs: 0 })).toBe('edge')
  expect(armOf(350, { busyMs: 300, waitMs: 0 })).toBe('cloud')
  // What it does not know to hold the device, it does not charge.
  expect(armOf(350, {})).toBe('edge')
})

test('nothing is predicted of an endpoint that lacks the model', () => {
  const plan = seeded().decide(
    snapshotWith({
      edge: { status: 'ready', time: logNormal(300, 0.02) },
      clouds: [{ endpoint: 'near', hasModel: false, time: logNormal(20, 0.01) }],
    }),
  )
  expect(plan).toMatchObject({ arm: 'edge', reason: 'cloud-lacks-model' })
  expect(plan.predicted).not.toHaveProperty('cloud')
})

test('second runs stay within their tokens, and a token comes back when no run was in vain', () => {
  const doubtful = snapshotWith({
    edge: { status: 'ready', time: logNormal(300, 0.02) },
    clouds: [{ endpoint: 'near', hasModel: true, time: logNormal(120, 0.8), ageMs: 100 }],
  })
  const doubled = (lose: boolean) => {
    const router = createRouter({ random: createSeededRandom(3), now: () => 0, policy: { wastedEdgeShare: 0.05 } })
    let seconds = 0
    for (let index = 0; index < 200; index += 1) {
      const plan = router.decide(doubtful)
      if (plan.arm === undefined) throw new Error(plan.reason)
      if (plan.second !== undefined) {
        seconds += 1
        if (lose) router.observe(plan, { arm: 'edge', result: 'lost', ms: 300 })
      }
      router.settle(plan)
    }
    return seconds
  }
  expect(doubled(true)).toBeLessThan(30)
  expect(doubled(false)).toBe(200)
})

test('three failures set an endpoint aside, and the other endpoint or the edge takes its requests', () => {
  const router = seeded()
  const both = snapshotWith({
    edge: { status: 'ready', time: logNormal(5000, 0.01) },
    clouds: [
      { endpoint: 'near', hasModel: true, time: logNormal(60, 0.01) },
      { endpoint: 'far', hasModel: true, time: logNormal(200, 0.01) },
    ],
  })
  for (let index = 0; index < 3; index += 1) {
    const plan = router.decide(both)
    if (plan.arm === undefined) throw new Error(plan.reason)
    router.observe(plan, { arm: 'cloud', endpoint: 'near', result: 'failed', ms: 20 })
    router.settle(plan)
  }
  expect(router.decide(both)).toMatchObject({ arm: 'cloud', endpoint: 'far' })
})

const timeArbitrary = fc.option(fc.record({ mu: fc.double(), variance: fc.double() }) as fc.Arbitrary<LogNormal>, {
  nil: undefined,
})
const snapshotArbitrary: fc.Arbitrary<RouterSnapshot> = fc.record({
  model: fc.constantFrom('a', 'b'),
  privacy: fc.constantFrom(...privacyModes),
  online: fc.boolean(),
  saveData: fc.boolean(),
  deadlineMs: fc.option(fc.double(), { nil: undefined }),
  edge: fc.record({
    status: fc.constantFrom<EdgeStatus>('absent', 'downloading', 'stored', 'loading', 'ready', 'unavailable'),
    time: timeArbitrary,
    money: fc.double(),
    energyJ: fc.double(),
  }),
  clouds: fc.array(
    fc.record({
      endpoint: fc.constantFrom('near', 'far'),
      hasModel: fc.constantFrom(true, false, 'unknown' as const),
      time: timeArbitrary,
      ageMs: fc.double(),
      money: fc.double(),
    }),
    { maxLength: 3 },
  ),
})

test('edge-only content never leaves, cloud-only never stays, and no prediction is NaN, whatever is known', () => {
  fc.assert(
    fc.property(fc.array(snapshotArbitrary, { maxLength: 20 }), fc.integer(), fc.double(), (snapshots, seed, ms) => {
      let nowMs = 0
      const router = createRouter({
        random: createSeededRandom(seed),
        now: () => nowMs,
        policy: { budgets: { moneyPerHour: 1, energyJPerHour: 10 } },
      })
      for (const snapshot of snapshots) {
        const plan = router.decide(snapshot)
        // A clock may jump, even to what is none.
        nowMs = nowMs === 0 ? ms : -nowMs
        if (plan.arm === undefined) continue
        const places = [plan, ...plan.fallbacks, ...(plan.second ? [plan.second] : [])]
        if (snapshot.privacy === 'edge-only') {
          expect(places.every(({ arm }) => arm === 'edge')).toBe(true)
          expect(plan.probe).toBeUndefined()
        }
        if (snapshot.privacy === 'cloud-only') expect(places.every(({ arm }) => arm === 'cloud')).toBe(true)
        if (!snapshot.online) expect(places.every(({ arm }) => arm === 'edge')).toBe(true)
        for (const { meanMs, p90Ms } of plan.arms) {
          expect(Number.isFinite(meanMs) && Number.isFinite(p90Ms)).toBe(true)
        }
        if (plan.second !== undefined) expect(plan.second.afterMs).toBeGreaterThanOrEqual(0)
        router.observe(plan, {
          arm: plan.arm,
          ...(plan.endpoint ? { endpoint: plan.endpoint } : {}),
          result: 'answered',
          ms,
        })
        router.settle(plan)
      }
    }),
  )
})

test('the same seed gives the same plans, and looking changes nothing', () => {
  const plans = (look: boolean) => {
    const router = seeded(7)
    return Array.from({ length: 50 }, (_, index) => {
      const snapshot = snapshotWith({ edge: { status: 'ready', time: logNormal(150 + 5 * index, 0.1) } })
      if (look) router.peek(snapshot)
      return router.decide(snapshot)
    })
  }
  expect(plans(true)).toEqual(plans(false))
})

test('slow answers are feared less where this device could not run all requests anyway', () => {
  const secondAfter = (gapMs: number) => {
    let nowMs = 0
    // What a run makes others wait is left out, so that nothing else differs.
    const router = createRouter({ random: createSeededRandom(1), now: () => nowMs, settings: { delayPrice: 0 } })
    const snapshot = snapshotWith({
      edge: { status: 'ready', time: logNormal(300, 0.02), busyMs: 300 },
      clouds: [{ endpoint: 'near', hasModel: true, time: logNormal(100, 0.3), ageMs: 100 }],
    })
    for (let request = 0; request < 100; request += 1) {
      const plan = router.peek(snapshot)
      if (plan.arm === undefined) throw new Error(plan.reason)
      if (request === 99) return plan.second?.afterMs ?? Number.POSITIVE_INFINITY
      router.settle(router.decide(snapshot) as typeof plan)
      nowMs += gapMs
    }
    return Number.NaN
  }
  expect(secondAfter(200)).toBeGreaterThan(secondAfter(10_000))
})
