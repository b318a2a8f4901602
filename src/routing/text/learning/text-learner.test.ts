import fc from 'fast-check'
import { expect, test } from 'vitest'
import { meanOfForecast } from '../../../utils/forecast.ts'
import { logNormal, meanOf } from '../../../utils/log-normal.ts'
import { createTextLearner } from './text-learner.ts'

const edge = { arm: 'edge', model: 'm', backend: 'wasm' } as const
const cloud = { arm: 'cloud', model: 'm', endpoint: 'https://e.example' } as const
const started = () => {
  const clock = { ms: 0 }
  return { clock, learner: createTextLearner({ now: () => clock.ms }) }
}
const read = (learner: ReturnType<typeof createTextLearner>, tokens: number, ms: number, waitMs = 0) =>
  learner.observeFirstToken(edge, { ms, promptTokens: tokens, uncachedTokens: tokens, waitMs })

test('a device reads a prompt of another length at the learned rate', () => {
  const { clock, learner } = started()
  // Measured: 256, 512 and 1,024 tokens in 756, 1,714 and 4,090 ms.
  for (let i = 0; i < 12; i += 1) {
    clock.ms += 5_000
    read(learner, [256, 512, 1_024][i % 3] ?? 0, [756, 1_714, 4_090][i % 3] ?? 0)
  }
  const at = (promptTokens: number) => Math.exp(learner.forecast(edge, { promptTokens }).firstToken.mu)
  expect(at(512)).toBeGreaterThan(1_450)
  expect(at(512)).toBeLessThan(2_000)
  // Attention makes the long ones dearer than their length.
  expect(at(2_048) / at(256)).toBeGreaterThan(9)
})

test('cached tokens are not read, waits and downloads are added', () => {
  const { learner } = started()
  for (let i = 0; i < 5; i += 1) read(learner, 1_000, 5_000, 1_000)
  const ms = (given: Partial<Parameters<typeof learner.forecast>[1]>) =>
    meanOfForecast(learner.forecast(edge, { promptTokens: 1_000, ...given }).firstToken)
  expect(ms({ cachedTokens: 900 })).toBeLessThan(ms({}) / 4)
  expect(ms({ waitMs: 3_000 })).toBeCloseTo(ms({}) + 3_000, -2)
  const preparation = { remainingBytes: 1e7, load: logNormal(1_000, 0.1), downlink: logNormal(1e7, 0.1) }
  expect(ms({ preparation })).toBeGreaterThan(ms({}) + 8_000)
})

test('an endpoint: a usual time with a heavy tail, and hardly the length', () => {
  const { clock, learner } = started()
  for (let i = 0; i < 60; i += 1) {
    clock.ms += 5_000
    const ms = i % 10 === 9 ? 5_000 : 400
    learner.observeFirstToken(cloud, { ms, promptTokens: 300, uncachedTokens: 300 })
  }
  const { firstToken, isMeasured } = learner.forecast(cloud, { promptTokens: 300 })
  expect(isMeasured).toBe(true)
  expect(Math.exp(firstToken.mu)).toBeGreaterThan(350)
  expect(Math.exp(firstToken.mu)).toBeLessThan(550)
  expect(firstToken.otherwise?.chance).toBeGreaterThan(0.06)
  const long = learner.forecast(cloud, { promptTokens: 4_000 }).firstToken
  expect(meanOfForecast(long) / meanOfForecast(firstToken)).toBeLessThan(2)
})

test('a run that was ended late counts as slow; one that was ended early says nothing', () => {
  const { learner } = started()
  const run = { promptTokens: 300, uncachedTokens: 300 }
  for (let i = 0; i < 10; i += 1) learner.observeFirstToken(cloud, { ms: 400, ...run })
  const mean = () => meanOfForecast(learner.forecast(cloud, { promptTokens: 300 }).firstToken)
  const before = mean()
  learner.observeFirstTokenAtLeast(cloud, { ms: 100, ...run })
  expect(mean()).toBe(before)
  for (let i = 0; i < 4; i += 1) learner.observeFirstTokenAtLeast(cloud, { ms: 2_000, ...run })
  expect(mean()).toBeGreaterThan(before * 1.5)
})

test('time per token, where several come together', () => {
  const { learner } = started()
  for (let i = 0; i < 40; i += 1) {
    learner.observeTokens(cloud, { ms: i % 2 === 0 ? 5 : 155, tokens: i % 2 === 0 ? 1 : 3, contextTokens: 300 + i })
  }
  const { token } = learner.forecast(cloud, { promptTokens: 300 })
  expect(meanOf(token)).toBeGreaterThan(35)
  expect(meanOf(token)).toBeLessThan(46)
  expect(learner.gaps(cloud).p97Ms).toBeGreaterThan(150)
})

test('what a warm-up or an endpoint says is taken until something is measured', () => {
  const { learner } = started()
  learner.assumeEdge(edge, { promptTokenMs: 10, tokenMs: 80 })
  learner.assumeCloud(cloud, { firstTokenMs: 200, tokenMs: 9 })
  expect(Math.exp(learner.forecast(edge, { promptTokens: 92 }).firstToken.mu)).toBeGreaterThan(900)
  expect(Math.exp(learner.forecast(cloud, { promptTokens: 10 }).firstToken.mu)).toBeLessThan(230)
  for (let i = 0; i < 8; i += 1) read(learner, 100, 108)
  learner.assumeEdge(edge, { promptTokenMs: 10 })
  expect(Math.exp(learner.forecast(edge, { promptTokens: 100 }).firstToken.mu)).toBeLessThan(160)
})

test('what was learned is stored and goes on, less certain; other versions and nonsense are ignored', () => {
  const { learner } = started()
  for (let i = 0; i < 20; i += 1) {
    read(learner, 300, 900)
    learner.observeFirstToken(cloud, { ms: 400, promptTokens: 300, uncachedTokens: 300 })
    learner.observeTokens(edge, { ms: 50, tokens: 1, contextTokens: 300 })
    learner.observeAnswer('m', { tokens: 70, isCut: false })
  }
  const stored = JSON.parse(JSON.stringify(learner.snapshot())) as Record<string, unknown>
  const next = createTextLearner({ now: () => 0 })
  next.restore(stored)
  for (const place of [edge, cloud]) {
    const [a, b] = [learner.forecast(place, { promptTokens: 300 }), next.forecast(place, { promptTokens: 300 })]
    expect(b.firstToken.mu).toBeCloseTo(a.firstToken.mu, 5)
    expect(b.firstToken.variance).toBeGreaterThan(a.firstToken.variance)
    expect(b.isMeasured).toBe(true)
  }
  expect(next.answerTokens('m', 512)).toEqual(learner.answerTokens('m', 512))
  const fresh = createTextLearner({ now: () => 0 })
  for (const bad of [
    undefined,
    7,
    {},
    { ...stored, version: 2 },
    { ...stored, places: [['edge wasm m', { first: 1 }]] },
  ])
    fresh.restore(bad)
  expect(fresh.forecast(edge, { promptTokens: 300 }).isMeasured).toBe(false)
})

test('whatever is measured, forecasts stay positive finite times', () => {
  const anyNumber = fc.oneof(fc.double(), fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300))
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyNumber, anyNumber, anyNumber, fc.boolean(), fc.boolean()), { maxLength: 60 }),
      (all) => {
        const { learner, clock } = started()
        for (const [ms, promptTokens, uncachedTokens, isEdge, isLost] of all) {
          const place = isEdge ? edge : cloud
          clock.ms += 100
          const run = { ms, promptTokens, uncachedTokens }
          if (isLost) learner.observeFirstTokenAtLeast(place, run)
          else learner.observeFirstToken(place, run)
          learner.observeTokens(place, { ms, tokens: promptTokens, contextTokens: uncachedTokens })
          learner.observeAnswer('m', { tokens: promptTokens, isCut: isLost })
        }
        for (const place of [edge, cloud]) {
          const { firstToken, token } = learner.forecast(place, { promptTokens: 500, answerTokens: 100 })
          for (const ms of [meanOfForecast(firstToken), meanOf(token)]) {
            expect(ms).toBeGreaterThan(0)
            expect(ms).toBeLessThan(Number.POSITIVE_INFINITY)
          }
        }
        const { mean } = learner.answerTokens('m', 512)
        expect(mean >= 1 && mean <= 512).toBe(true)
      },
    ),
  )
})
