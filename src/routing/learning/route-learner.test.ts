import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLink } from '../../network/link.ts'
import { type LogNormal, logNormal, meanOf, p90Of } from '../../utils/log-normal.ts'
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
  // Only a little later than predicted, but it would have taken longer still.
  learner.observeEdgeAtLeast('m', 'wasm', 1.1 * Math.exp(before))
  const after = learner.edgeTime({ model: 'm', backend: 'wasm' }).mu
  expect(after).toBeGreaterThan(before)
  learner.observeEdgeAtLeast('m', 'wasm', 400)
  expect(learner.edgeTime({ model: 'm', backend: 'wasm' }).mu).toBeGreaterThan(after)
})

/** A link without any delay worth the name, so that the endpoint's time is nearly all. */
const noLink = { roundTrip: logNormal(0.01, 0), uplink: logNormal(1e9, 0), downlink: logNormal(1e6, 0) }

test('a wait at the endpoint is not taken for its speed, and is forgotten within minutes', () => {
  const { now, time } = clock()
  const learner = createRouteLearner({ now })
  for (let run = 0; run < 20; run += 1) learner.observeCloud('m', { serverMs: 510, queueMs: 500, responseBytes: 10 })
  const cloudMs = () => meanOf(learner.cloudTime({ model: 'm', requestBytes: 10, responseBytes: 10, link: noLink }))
  expect(cloudMs()).toBeGreaterThan(500)
  time.ms += 20_000
  expect(cloudMs()).toBeGreaterThan(200)
  expect(cloudMs()).toBeLessThan(350)
  time.ms += 300_000
  expect(cloudMs()).toBeLessThan(20)
})

test('the endpoint’s own figures hold until a run was measured', () => {
  const learner = createRouteLearner({ now: () => 0 })
  const assume = (ms: number) => learner.assumeCloud({ waitMs: 0, models: new Map([['m', logNormal(ms, 0.01)]]) })
  const cloudMs = () => meanOf(learner.cloudTime({ model: 'm', requestBytes: 10, responseBytes: 10, link: noLink }))
  assume(200)
  expect(cloudMs()).toBeGreaterThan(150)
  for (let run = 0; run < 10; run += 1) learner.observeCloud('m', { serverMs: 10, responseBytes: 10 })
  const measured = cloudMs()
  assume(200)
  expect(cloudMs()).toBe(measured)
})

test('an answer is expected to be as large as the model’s answers have been', () => {
  const learner = createRouteLearner({ now: () => 0 })
  for (let run = 0; run < 20; run += 1) learner.observeCloud('m', { serverMs: 10, responseBytes: 1e6 })
  const cloudMs = (more: { readonly responseBytes?: number }) =>
    meanOf(learner.cloudTime({ model: 'm', requestBytes: 10, link: noLink, ...more }))
  // 8 Mbit over 1 Mbit/s.
  expect(cloudMs({})).toBeGreaterThan(7_000)
  expect(cloudMs({ responseBytes: 1_000 })).toBeLessThan(100)
})

test('a restored estimate is less certain, even at once', () => {
  const { now } = clock()
  const learner = createRouteLearner({ now })
  for (let run = 0; run < 10; run += 1) learner.observeEdge('m', 'wasm', 25)
  const later = createRouteLearner({ now })
  later.restore(JSON.parse(JSON.stringify(learner.snapshot())))
  const varianceOf = (of: typeof learner) => of.edgeTime({ model: 'm', backend: 'wasm' }).variance
  expect(varianceOf(later)).toBeGreaterThan(varianceOf(learner) + 0.04)
})

test('a look at unknown work takes the prior, keeps nothing of it, and forgets no other work', () => {
  const learner = createRouteLearner({ now: () => 0 })
  const timeOf = (model: string, prior?: LogNormal) => learner.edgeTime({ model, backend: 'wasm', prior }).mu
  const unknown = timeOf('new')
  expect(timeOf('new', logNormal(1_000, 0.1))).toBeGreaterThan(unknown + 1)
  expect(learner.edgeUsual('new', 'wasm', logNormal(1_000, 0)).usualMs).toBeCloseTo(1_000, 0)
  expect(timeOf('new')).toBe(unknown)
  for (let index = 0; index < 64; index += 1) learner.observeEdge(`known ${index}`, 'wasm', 5)
  const known = timeOf('known 0')
  for (let index = 0; index < 100; index += 1) timeOf(`unknown ${index}`)
  expect(timeOf('known 0')).toBe(known)
  expect(learner.knowsEdge('known 0', 'wasm')).toBe(true)
  // A measured time is not replaced by a prior.
  expect(timeOf('known 0', logNormal(1_000, 0.1))).toBe(known)
})
