import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BackendSetup, setupId, setupsOf } from './backend-setups.ts'
import { rankSetups, type SetupTime, worthTrying } from './rank-setups.ts'

const four: BackendSetup = { backend: 'wasm', threads: 4 }
const one: BackendSetup = { backend: 'wasm', threads: 1 }
const gpu: BackendSetup = { backend: 'webgpu', threads: 4 }
const time = (setup: BackendSetup, ms: number | undefined, known = false): SetupTime => ({ setup, ms, known })

test('WASM with one thread is a setup of its own, unless the site asked for a count', () => {
  expect(setupsOf(['wasm', 'webgpu'], 4, false).map(setupId)).toEqual(['wasm/4', 'wasm/1', 'webgpu'])
  expect(setupsOf(['wasm'], 4, true).map(setupId)).toEqual(['wasm/4'])
  expect(setupsOf(['wasm'], 1, false).map(setupId)).toEqual(['wasm/1'])
})

test.each<[string, SetupTime[], string[]]>([
  ['the faster one first', [time(four, 10), time(one, 30)], ['wasm/4', 'wasm/1']],
  ['threads that cost more than they gain', [time(four, 0.4), time(one, 0.2)], ['wasm/1', 'wasm/4']],
  ['a clearly faster adapter', [time(four, 10), time(gpu, 4)], ['webgpu', 'wasm/4']],
  ['a larger runtime file for a tenth is not worth it', [time(four, 10), time(gpu, 9)], ['wasm/4', 'webgpu']],
  ['but it is once it has run here', [time(four, 10, true), time(gpu, 9, true)], ['webgpu', 'wasm/4']],
  ['a software adapter loses by its time', [time(four, 10), time(gpu, 1905)], ['wasm/4', 'webgpu']],
  ['an adapter that could not be measured', [time(gpu, undefined), time(four, 10)], ['wasm/4', 'webgpu']],
  ['WASM that could not be measured may still run', [time(gpu, 4), time(four, undefined)], ['wasm/4', 'webgpu']],
  ['only an adapter is allowed', [time(gpu, 1905)], ['webgpu']],
  ['nothing can run', [], []],
])('%s', (_, times, order) => {
  expect(rankSetups(times).map(setupId)).toEqual(order)
})

test.each<[string, SetupTime[], string | undefined]>([
  ['slower than WebGPU is predicted to be', [time(gpu, 10)], 'webgpu'],
  ['hardly slower than WebGPU is predicted to be', [time(gpu, 18)], undefined],
  ['one thread could be faster', [time(one, 24)], 'wasm/1'],
  ['one thread is far slower', [time(one, 60)], undefined],
  ['one thread was tried and is slower', [time(one, 24, true)], undefined],
  ['one thread was tried and is faster', [time(one, 15, true)], 'wasm/1'],
  ['nothing is known of the others', [time(one, undefined), time(gpu, undefined)], undefined],
])('a model that takes 20 ms on four threads: %s', (_, others, next) => {
  const found = worthTrying(four, 20, [time(four, 20, true), ...others])
  expect(found && setupId(found)).toBe(next)
})

test('a software adapter is never put before a faster WASM', () => {
  const ms = fc.double({ min: 0.01, max: 1e5, noNaN: true })
  void fc.assert(
    fc.property(ms, ms, fc.boolean(), (wasmMs, gpuMs, known) => {
      const [first] = rankSetups([time(gpu, gpuMs, known), time(four, wasmMs, known)])
      if (gpuMs > wasmMs) expect(first).toBe(four)
    }),
  )
})
