import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLink } from '../../network/link.ts'
import { logNormal, meanOf, p90Of } from '../../utils/log-normal.ts'
import { createRouteLearner } from './route-learner.ts'

const clock = () => {
  const time = { ms: 1e12 }
  return { time, now: () => time.ms }
}

test('a device that becomes ten times slower is known to be within ten runs', () => {
  const { now } = clock()
  const learner = createRouteLearner({ now })
  for (let run = 0; run < 20; run += 1) learner.observeEdge('m', 'wasm', 10)
  expect(meanOf(learner.edgeTime({ model: 'm', backend: 'wasm' }))).toBeLessThan(14)
  for (let run = 0; run < 10; run += 1) learner.observeEdge('m', 'wasm', 100)
  expect(meanOf(learner.edgeTime({ model: 'm', backend: 'wasm' }))).toBeGreaterThan(70)
})

test('waiting and what is left of the download count', () => {
  const { now } = clock()
  const learner = createRouteLearner({ now })
  learner.assumeEdge('m', 'wasm', logNormal(10, 0.05))
  const ready = meanOf(learner.edgeTime({ model: 'm', backend: 'wasm' }))
  expect(meanOf(learner.edgeTime({ model: 'm', backend: 'wasm', waitMs: 50 }))).toBeCloseTo(ready + 50, 0)
  const downlink = logNormal(8e6, 0)
  const cold = learner.edgeTime({ model: 'm', backend: 'wasm', preparation: { remainingBytes: 2e6, downlink } })
  expect(meanOf(cold)).toBeGreaterThan(ready + 2000)
})

test('the payload is what makes a slow uplink slow', () => {
  const { now } = clock()
  const link = createLink({ now })
  for (let request = 0; request < 8; request += 1) {
    link.observeRequest({ requestBytes: 100_000, responseBytes: 500, totalMs: 1_850, serverMs: 10 })
  }
  const learner = createRouteLearner({ now })
  for (let request = 0; request < 8; request += 1) learner.observeCloud('m', { serverMs: 10, responseBytes: 500 })
  const timeOf = (requestBytes: number) =>
    meanOf(learner.cloudTime({ model: 'm', requestBytes, link: link.estimate() }))
  expect(timeOf(100_000)).toBeGreaterThan(1_000)
  expect(timeOf(100_000)).toBeLessThan(3_000)
  expect(timeOf(800)).toBeLessThan(timeOf(100_000) / 4)
})

test('what was learned comes back, less certain; nonsense is ignored', () => {
  const { now, time } = clock()
  const learner = createRouteLearner({ now })
  for (let run = 0; run < 10; run += 1) learner.observeEdge('m', 'wasm', 25)
  const before = learner.edgeTime({ model: 'm', backend: 'wasm' })
  const stored = JSON.parse(JSON.stringify(learner.snapshot()))
  time.ms += 86_400_000
  const later = createRouteLearner({ now })
  later.restore(stored)
  const after = later.edgeTime({ model: 'm', backend: 'wasm' })
  expect(after.mu).toBeCloseTo(before.mu, 0)
  expect(after.variance).toBeGreaterThan(before.variance)
  fc.assert(
    fc.property(fc.anything(), (anything) => {
      const fresh = createRouteLearner({ now })
      fresh.restore(anything)
      fresh.restore({ version: 1, edge: [['wasm m', anything]], load: [], cloud: [] })
      expect(Number.isFinite(meanOf(fresh.edgeTime({ model: 'm', backend: 'wasm' })))).toBe(true)
    }),
  )
})

test('no measurement, however wrong, makes a prediction that is no number', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.double(), fc.double(), fc.double(), fc.double()), { maxLength: 20 }), (rows) => {
      const { now, time } = clock()
      const link = createLink({ now })
      const learner = createRouteLearner({ now })
      for (const [a, b, c, d] of rows) {
        time.ms += c
        link.observeRequest({ requestBytes: a, responseBytes: b, totalMs: c, serverMs: d })
        link.observePing(d)
        learner.observeEdge('m', 'wasm', a)
        learner.observeCloud('m', { serverMs: b, queueMs: c, responseBytes: d })
        if (!Number.isFinite(time.ms)) time.ms = 1e12
      }
      const times = [
        learner.edgeTime({ model: 'm', backend: 'wasm', waitMs: rows[0]?.[0] ?? 0 }),
        learner.cloudTime({ model: 'm', requestBytes: rows[0]?.[1] ?? 0, link: link.estimate() }),
      ]
      for (const estimate of times) {
        expect(Number.isFinite(meanOf(estimate))).toBe(true)
        expect(Number.isFinite(p90Of(estimate))).toBe(true)
      }
    }),
  )
})

test('a run here that was overtaken late makes the next ones longer, one overtaken early says nothing', () => {
  const learner = createRouteLearner({ now: () => 0 })
  for (let run = 0; run < 5; run += 1) learner.observeEdge('m', 'wasm', 100)
  const before = learner.edgeTime({ model: 'm', backend: 'wasm' }).mu
  for (const elapsedMs of [20, Number.NaN, -5]) learner.observeEdgeAtLeast('m', 'wasm', elapsedMs)
  expect(learner.edgeTime({ model: 'm', backend: 'wasm' }).mu).toBe(before)
  learner.observeEdgeAtLeast('m', 'wasm', 400)
  expect(learner.edgeTime({ model: 'm', backend: 'wasm' }).mu).toBeGreaterThan(before)
})
