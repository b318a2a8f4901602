import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logNormal, meanOf } from '../../utils/log-normal.ts'
import { createPreparationLearner, type PreparationLearner, type PreparationRequest } from './preparation-learner.ts'
import { createRouteLearner } from './route-learner.ts'

const closed = { flavor: 'wasm', isOpen: false, comesFirst: true }
const open = { flavor: 'wasm', isOpen: true, comesFirst: false }
const request = (changes: Partial<PreparationRequest> = {}): PreparationRequest => ({
  totalBytes: 3e6,
  remainingBytes: 3e6,
  runMs: 5,
  loadingForMs: 0,
  runtimes: [open],
  sources: [{ origin: 'https://a.example', bytes: 3e6 }],
  rate: () => ({ rate: logNormal(10e6, 0.02), isMeasured: true }),
  ...changes,
})
const now = () => 1e12
/** The whole time to an answer, as the cost model sums it up. */
const msOf = (learner: PreparationLearner, changes: Partial<PreparationRequest> = {}) =>
  meanOf(
    createRouteLearner({ now }).edgeTime({
      model: 'm',
      backend: 'wasm',
      prior: logNormal(5, 0.01),
      preparation: learner.prepare(request(changes)),
    }),
  )

test('a first visit waits for the runtime and the model over the rate of their server', () => {
  const learner = createPreparationLearner({ now })
  // 2.75 MB and 3 MB at 10 Mbit/s take 4.6 s; the rest is compiling and loading.
  const first = msOf(learner, { runtimes: [closed] })
  expect(first).toBeGreaterThan(4_900)
  expect(first).toBeLessThan(7_500)
  expect(learner.prepare(request({ runtimes: [closed] })).remainingBytes).toBeCloseTo(5.75e6, -4)
  const withRuntime = msOf(learner)
  expect(withRuntime).toBeGreaterThan(2_400)
  expect(withRuntime).toBeLessThan(4_000)
})

test('what of the runtime has passed is not waited for again', () => {
  const learner = createPreparationLearner({ now })
  const at = (openingForMs: number) => msOf(learner, { runtimes: [{ ...closed, openingForMs }] })
  for (const [from, to] of [
    [0, 1_000],
    [1_000, 2_000],
  ] as const) {
    // What is left of a mean goes a little faster than the clock.
    expect((at(from) - at(to)) / 1_000).toBeGreaterThan(0.9)
    expect((at(from) - at(to)) / 1_000).toBeLessThan(1.15)
  }
  // All of it has come, and it has been compiling for a while.
  expect(at(2_200) - at(2_800)).toBeGreaterThan(100)
  expect(at(3_500)).toBeGreaterThan(msOf(learner))
})

test('once the runtime’s file is here, none of its bytes are waited for, however slow they were expected', () => {
  const learner = createPreparationLearner({ now })
  const at = (fetchedForMs?: number) => {
    const runtimes = [{ ...closed, openingForMs: 400, ...(fetchedForMs === undefined ? {} : { fetchedForMs }) }]
    return learner.prepare(request({ runtimes, remainingBytes: 0 }))
  }
  expect(at().remainingBytes).toBeGreaterThan(2e6)
  expect(at(0).remainingBytes).toBe(0)
  const compileMs = (fetchedForMs: number) => meanOf(at(fetchedForMs).other ?? logNormal(0, 0))
  expect(compileMs(0) - compileMs(200)).toBeGreaterThan(100)
})

test('side by side, only the longer of runtime and download is waited for', () => {
  const learner = createPreparationLearner({ now })
  learner.observeRuntime({ flavor: 'wasm', tookMs: 500, downloadMs: 0, bytes: 0 })
  const beside = { ...closed, comesFirst: false }
  expect(msOf(learner, { runtimes: [beside] })).toBeCloseTo(msOf(learner), -1)
  const small = { totalBytes: 1e4, remainingBytes: 1e4 }
  expect(msOf(learner, { ...small, runtimes: [beside] })).toBeGreaterThan(msOf(learner, small) + 200)
})

test('a runtime that was fetched once is kept by the browser, one that is fetched again is not', () => {
  const learner = createPreparationLearner({ now })
  const bytesOf = () => learner.prepare(request({ runtimes: [closed], remainingBytes: 0 })).remainingBytes
  const fetched = { flavor: 'wasm', tookMs: 3_000, downloadMs: 2_200, bytes: 2.7e6 }
  expect(bytesOf()).toBeGreaterThan(2e6)
  learner.observeRuntime(fetched)
  expect(bytesOf()).toBe(0)
  learner.observeRuntime(fetched)
  expect(bytesOf()).toBe(2.7e6)
  learner.observeRuntime({ ...fetched, downloadMs: 0, bytes: 0 })
  expect(bytesOf()).toBe(0)
})

test('loads of other models teach how fast this device loads', () => {
  const learner = createPreparationLearner({ now })
  const loadMs = () => meanOf(learner.prepare(request()).load)
  const assumed = loadMs()
  const spread = learner.prepare(request()).load.variance
  for (let load = 0; load < 5; load += 1) learner.observeLoad({ totalBytes: 1e6, runMs: 10, ms: 1_000 })
  expect(loadMs()).toBeGreaterThan(3 * assumed)
  expect(learner.prepare(request()).load.variance).toBeLessThan(spread)
  for (let load = 0; load < 10; load += 1) learner.observeLoad({ totalBytes: 1e6, runMs: 10, ms: 20 })
  expect(loadMs()).toBeLessThan(assumed)
})

test('what a download takes beside its bytes is learned from downloads', () => {
  const learner = createPreparationLearner({ now })
  const before = msOf(learner)
  // 0.1 MB at 10 Mbit/s are 80 ms: the rest of two seconds went elsewhere.
  for (let install = 0; install < 6; install += 1) {
    learner.observeInstall({ bytes: 1e5, ms: 2_000, rate: logNormal(10e6, 0.02) })
  }
  expect(msOf(learner)).toBeGreaterThan(before + 1_000)
})

test('files of several servers come at the rates of each', () => {
  const learner = createPreparationLearner({ now })
  const mbps = { 'https://a.example': 80, 'https://b.example': 1 } as Record<string, number>
  const rate = (origin: string | undefined) => ({
    rate: logNormal((mbps[origin ?? ''] ?? 1) * 1e6, 0.01),
    isMeasured: origin === 'https://a.example',
  })
  const sources = [
    { origin: 'https://a.example', bytes: 1e6 },
    { origin: 'https://b.example', bytes: 1e6 },
  ]
  const prepared = learner.prepare(request({ sources, rate, totalBytes: 2e6, remainingBytes: 2e6 }))
  expect((2e6 * 8) / Math.exp(prepared.downlink.mu)).toBeCloseTo(8.1, 1)
  expect(prepared.isRateMeasured).toBe(false)
})

test('it counts as measured once its server, a runtime and a load were', () => {
  const learner = createPreparationLearner({ now })
  const isMeasured = (changes: Partial<PreparationRequest> = {}) =>
    learner.prepare(request({ runtimes: [closed], ...changes })).isMeasured
  expect(isMeasured()).toBe(false)
  learner.observeRuntime({ flavor: 'wasm', tookMs: 500, downloadMs: 0, bytes: 0 })
  learner.observeLoad({ totalBytes: 1e6, runMs: 10, ms: 300 })
  expect(isMeasured()).toBe(true)
  const unknown = () => ({ rate: logNormal(10e6, 1.2), isMeasured: false })
  expect(isMeasured({ rate: unknown })).toBe(false)
  // Nothing is left to be fetched from there.
  expect(isMeasured({ rate: unknown, remainingBytes: 0 })).toBe(true)
})

test('a load under way is not waited for again', () => {
  const times = createRouteLearner({ now })
  const learner = createPreparationLearner({ now })
  const at = (loadingForMs: number) =>
    meanOf(
      times.edgeTime({
        model: 'm',
        backend: 'wasm',
        prior: logNormal(5, 0.01),
        preparation: learner.prepare(request({ totalBytes: 50e6, remainingBytes: 0, loadingForMs })),
      }),
    )
  expect(at(0)).toBeGreaterThan(1_000)
  expect(at(500)).toBeLessThan(at(0) - 200)
})

test('a second visit begins with what the first one learned; nonsense is ignored', () => {
  const learner = createPreparationLearner({ now })
  learner.observeRuntime({ flavor: 'wasm', tookMs: 3_000, downloadMs: 200, bytes: 2.7e6, origin: 'https://a.example' })
  learner.observeLoad({ totalBytes: 3e6, runMs: 5, ms: 900 })
  const later = createPreparationLearner({ now })
  later.restore(JSON.parse(JSON.stringify(learner.snapshot())))
  expect(msOf(later, { runtimes: [closed] }) / msOf(learner, { runtimes: [closed] })).toBeCloseTo(1, 1)
  expect(later.prepare(request()).isMeasured).toBe(true)
  fc.assert(
    fc.property(fc.anything(), (anything) => {
      const fresh = createPreparationLearner({ now })
      fresh.restore(anything)
      fresh.restore({ version: 2, open: anything, install: anything, load: anything, runtimes: [] })
      fresh.restore({ version: 2, runtimes: [['wasm', anything]] })
      expect(Number.isFinite(msOf(fresh, { runtimes: [closed] }))).toBe(true)
    }),
  )
})

test('no measurement, however wrong, makes a prediction that is no number', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.double(), fc.double(), fc.double()), { maxLength: 12 }), (rows) => {
      const learner = createPreparationLearner({ now })
      for (const [x, y, z] of rows) {
        learner.observeRuntime({ flavor: 'wasm', tookMs: x, downloadMs: y, bytes: z })
        learner.observeInstall({ bytes: x, ms: y, rate: logNormal(1e6, 0.1) })
        learner.observeLoad({ totalBytes: x, runMs: y, ms: z })
      }
      const [x = 0, y = 0] = rows[0] ?? []
      expect(Number.isFinite(msOf(learner, { runtimes: [{ ...closed, openingForMs: x }], loadingForMs: y }))).toBe(true)
    }),
  )
})
