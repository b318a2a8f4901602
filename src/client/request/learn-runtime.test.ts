import { expect, test } from 'vitest'
import { createDownloadRates } from '../../network/download-rates.ts'
import { createPreparationLearner } from '../../routing/learning/preparation-learner.ts'
import { learnRuntime } from './learn-runtime.ts'

const now = () => 1e12
const origin = 'https://a.example'
const file = {
  name: `${origin}/ort.wasm`,
  requestStart: 5,
  responseStart: 20,
  responseEnd: 220,
  transferSize: 2_700_300,
  encodedBodySize: 2_700_000,
  workerStart: 0,
}
const setUp = () => {
  const [rates, preparations] = [createDownloadRates(now), createPreparationLearner({ now })]
  const mbps = () => Math.exp(rates.rate(origin).rate.mu) / 1e6
  return { rates, preparations, mbps }
}

test('how fast a runtime came is learned when its file is here, and once', () => {
  const { rates, preparations, mbps } = setUp()
  learnRuntime({ flavor: 'wasm', times: [file] }, { preparations, rates })
  expect(mbps()).toBeGreaterThan(80)
  const before = rates.snapshot()
  learnRuntime({ flavor: 'wasm', times: [file], tookMs: 900 }, { preparations, rates })
  expect(rates.snapshot()).toEqual(before)
})

test('how long it took to be compiled is learned when it was', () => {
  const { preparations } = setUp()
  const isKept = () =>
    preparations.prepare({
      totalBytes: 1,
      remainingBytes: 0,
      runMs: 1,
      loadingForMs: 0,
      runtimes: [{ flavor: 'wasm', isOpen: false, comesFirst: true }],
      sources: [],
      rate: () => ({ rate: { mu: 16, variance: 0.1 }, isMeasured: true }),
    }).remainingBytes === 0
  learnRuntime({ flavor: 'wasm', times: [file] }, { preparations })
  expect(isKept()).toBe(false)
  learnRuntime({ flavor: 'wasm', times: [file], tookMs: 900 }, { preparations })
  // The browser has kept it: none of its bytes come again.
  expect(isKept()).toBe(true)
})
