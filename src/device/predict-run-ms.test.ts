import { expect, test } from 'vitest'
import type { BackendMeasurement } from '../contracts/measurements.ts'
import { assumeRunMs, predictRunMs } from './predict-run-ms.ts'

const wasm: BackendMeasurement = { backend: 'wasm', status: 'measured', macsPerSecond: 2e9, overheadMs: 0.2 }

test('a run is predicted as fixed cost plus work over speed, and never as NaN', () => {
  expect(predictRunMs(wasm, 20e6)).toBeCloseTo(10.2)
  expect(predictRunMs({ ...wasm, macsPerSecond: 0 }, 1)).toBeUndefined()
  expect(predictRunMs({ ...wasm, macsPerSecond: Number.NaN }, 1)).toBeUndefined()
  expect(predictRunMs({ backend: 'webgpu', status: 'absent' }, 1)).toBeUndefined()
})

test('what a busy moment made of the processor is a third believed; of a graphics processor, all of it', () => {
  const busy = { ...wasm, macsPerSecond: 8e7, cutShort: true }
  const ms = predictRunMs(busy, 300e6) ?? Number.NaN
  // 3.75 s if it were believed, 38 ms by what is assumed.
  expect(ms).toBeGreaterThan(120)
  expect(ms).toBeLessThan(250)
  expect(predictRunMs({ ...busy, backend: 'webgpu' }, 300e6)).toBeGreaterThan(3_700)
})

test('before the device was measured, a run is assumed by the work in it', () => {
  expect(assumeRunMs(300e6)).toBeGreaterThan(20)
  expect(assumeRunMs(300e6)).toBeLessThan(80)
  expect(assumeRunMs(1)).toBeLessThan(2)
})
