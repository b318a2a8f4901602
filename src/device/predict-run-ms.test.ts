import { expect, test } from 'vitest'
import type { BackendMeasurement } from '../contracts/measurements.ts'
import { predictRunMs } from './predict-run-ms.ts'

const wasm: BackendMeasurement = { backend: 'wasm', status: 'measured', macsPerSecond: 2e9, overheadMs: 0.2 }

test('a run is predicted as fixed cost plus work over speed, and never as NaN', () => {
  expect(predictRunMs(wasm, 20e6)).toBeCloseTo(10.2)
  expect(predictRunMs({ ...wasm, macsPerSecond: 0 }, 1)).toBeUndefined()
  expect(predictRunMs({ ...wasm, macsPerSecond: Number.NaN }, 1)).toBeUndefined()
  expect(predictRunMs({ backend: 'webgpu', status: 'absent' }, 1)).toBeUndefined()
})
