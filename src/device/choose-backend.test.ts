import { expect, test } from 'vitest'
import type { BackendMeasurement } from '../contracts/measurements.ts'
import { chooseBackend, predictRunMs } from './choose-backend.ts'

const wasm: BackendMeasurement = { backend: 'wasm', status: 'measured', macsPerSecond: 2e9, overheadMs: 0.2 }
const fastGpu: BackendMeasurement = { backend: 'webgpu', status: 'measured', macsPerSecond: 200e9, overheadMs: 4 }
const softwareGpu: BackendMeasurement = {
  backend: 'webgpu',
  status: 'measured',
  macsPerSecond: 50e6,
  overheadMs: 5,
  software: true,
}
const noGpu: BackendMeasurement = { backend: 'webgpu', status: 'absent' }
const both = ['wasm', 'webgpu'] as const

test.each([
  ['a small model stays off a fast adapter: dispatch costs more than the work', [wasm, fastGpu], 6e6, both, 'wasm'],
  ['a large model goes to a fast adapter', [wasm, fastGpu], 1e9, both, 'webgpu'],
  ['a software adapter loses at every size', [wasm, softwareGpu], 1e12, both, 'wasm'],
  ['no adapter', [wasm, noGpu], 1e12, both, 'wasm'],
  ['an adapter that could not be measured is not chosen', [wasm, { ...noGpu, status: 'failed' }], 1e12, both, 'wasm'],
  ['what is not allowed is not chosen', [wasm, fastGpu], 1e12, ['wasm'], 'wasm'],
  ['asked for by name, a slow adapter runs', [softwareGpu], 1e6, ['webgpu'], 'webgpu'],
  ['nothing can run', [noGpu], 1e6, ['webgpu'], undefined],
  ['WASM that could not be measured may still run', [{ backend: 'wasm', status: 'failed' }], 1e6, both, 'wasm'],
] as [string, BackendMeasurement[], number, ('wasm' | 'webgpu')[], string | undefined][])(
  '%s',
  (_, measurements, macs, allowed, chosen) => {
    expect(chooseBackend(measurements, macs, allowed)).toBe(chosen)
  },
)

test('a run is predicted as fixed cost plus work over speed, and never as NaN', () => {
  expect(predictRunMs(wasm, 20e6)).toBeCloseTo(10.2)
  expect(predictRunMs({ ...wasm, macsPerSecond: 0 }, 1)).toBeUndefined()
  expect(predictRunMs({ ...wasm, macsPerSecond: Number.NaN }, 1)).toBeUndefined()
  expect(predictRunMs(noGpu, 1)).toBeUndefined()
})
