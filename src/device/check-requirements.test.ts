import { expect, test } from 'vitest'
import type { ModelRequirements } from '../contracts/manifest.ts'
import type { AdapterFacts } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'
import { checkRequirements } from './check-requirements.ts'
import { defaultMemoryBudget, estimateModelMemory } from './memory-budget.ts'

const adapter: AdapterFacts = { name: 'fast', software: false, shaderF16: true, maxBufferBytes: 128e6 }
const weak: AdapterFacts = { ...adapter, shaderF16: false, maxBufferBytes: 64e6 }
const both: readonly Backend[] = ['wasm', 'webgpu']

test.each<[string, ModelRequirements, AdapterFacts | undefined, Backend[]]>([
  ['nothing in particular, without an adapter', {}, undefined, ['wasm']],
  ['nothing, with an adapter', {}, adapter, ['wasm', 'webgpu']],
  ['16-bit floats, and the adapter has them', { shaderF16: true }, adapter, ['wasm', 'webgpu']],
  ['16-bit floats, and the adapter lacks them', { shaderF16: true }, weak, ['wasm']],
  ['large buffers, and the adapter allows them', { maxBufferBytes: 100e6 }, adapter, ['wasm', 'webgpu']],
  ['large buffers, and the adapter does not', { maxBufferBytes: 100e6 }, weak, ['wasm']],
  ['WebGPU only', { backends: ['webgpu'] }, adapter, ['webgpu']],
])('20: a model that needs %s', (_, needs, found, left) => {
  expect(checkRequirements(both, needs, 1e6, { adapter: found, memoryBytes: 1e9 }).backends).toEqual(left)
})

test.each<[string, ModelRequirements, AdapterFacts | undefined, number, string]>([
  ['WebGPU where there is none', { backends: ['webgpu'] }, undefined, 1e6, 'this browser offers no WebGPU'],
  ['16-bit floats on WebGPU', { backends: ['webgpu'], shaderF16: true }, weak, 1e6, 'it needs 16-bit floats'],
  ['large buffers', { backends: ['webgpu'], maxBufferBytes: 100e6 }, weak, 1e6, 'buffers of 100 MB'],
  ['a backend that is not allowed', { backends: ['webnn'] }, adapter, 1e6, 'it runs on webnn only'],
  ['more memory than there is', {}, adapter, 2e9, 'it needs 2000 MB of memory'],
])('20: a model is refused with the reason: %s', (_, needs, found, memoryBytes, lack) => {
  const checked = checkRequirements(both, needs, memoryBytes, { adapter: found, memoryBytes: 1e9 })
  expect(checked.backends).toEqual([])
  expect('lack' in checked && checked.lack).toContain(lack)
})

test('models may take half of the memory, and no more than WebAssembly addresses', () => {
  expect(defaultMemoryBudget(1)).toBe(2 ** 29)
  expect(defaultMemoryBudget(0.5)).toBe(2 ** 28)
  expect(defaultMemoryBudget(64)).toBe(2 ** 32)
  expect(defaultMemoryBudget(undefined)).toBe(2 ** 31)
  expect(estimateModelMemory(100e6)).toBeGreaterThan(200e6)
})
