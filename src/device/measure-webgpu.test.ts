import { expect, test } from 'vitest'
import { createManualTimers } from '../testing/manual-timers.ts'
import { measureWebgpu } from './measure-webgpu.ts'
import { predictRunMs } from './predict-run-ms.ts'
import { probeBudgetsMs } from './probe-budget.ts'

interface Speed {
  readonly macsPerSecond: number
  /** Until the device is given, in milliseconds; for ever when it is `never`. */
  readonly device?: number | 'never'
  readonly software?: boolean
  readonly fails?: boolean
}

/** An adapter on a clock of the test: what it is asked for takes the time that it would. */
function fakeGpu({ macsPerSecond, device = 5, software = false, fails = false }: Speed) {
  const clock = { now: 0, destroyed: 0, largest: 0 }
  let side = 0
  let groups = 0
  const pass = {
    setPipeline: ({ ofSide }: { ofSide: number }) => {
      side = ofSide
    },
    setBindGroup: () => {},
    dispatchWorkgroups: (count: number) => {
      groups = count
    },
    end: () => {},
  }
  const encoder = { beginComputePass: () => pass, copyBufferToBuffer: () => {}, finish: () => ({}) }
  const buffer = {
    async mapAsync() {
      const share = (groups / (side / 8)) ** 2
      clock.now += 0.5 + ((share * side ** 3) / macsPerSecond) * 1000
      clock.largest = Math.max(clock.largest, side)
    },
    unmap: () => {},
  }
  const gpuDevice = {
    createBuffer: () => buffer,
    createShaderModule: () => ({}),
    createBindGroup: () => ({}),
    createCommandEncoder: () => encoder,
    queue: { submit: () => {} },
    async createComputePipelineAsync({ compute }: { compute: { constants: { side: number } } }) {
      if (fails) throw new Error('no pipeline')
      clock.now += 2
      return { ofSide: compute.constants.side, getBindGroupLayout: () => ({}) }
    },
    destroy: () => {
      clock.destroyed += 1
    },
  }
  const adapter = {
    info: { vendor: 'test', architecture: '', description: '', isFallbackAdapter: software },
    limits: { maxBufferSize: 1e9, maxStorageBufferBindingSize: 1e9 },
    features: new Set<string>(),
    requestDevice() {
      if (device === 'never') return new Promise(() => {})
      clock.now += device
      return Promise.resolve(gpuDevice)
    },
  }
  return { clock, gpu: { requestAdapter: async () => adapter } as unknown as GPU }
}
const measure = ({ clock, gpu }: ReturnType<typeof fakeGpu>, timers = createManualTimers()) =>
  measureWebgpu({ gpu, nowMs: () => clock.now, timers })

test('a fast adapter is measured with a large product, within its share of the 150 ms', async () => {
  const fake = fakeGpu({ macsPerSecond: 5e11 })
  const { status, macsPerSecond = 0, tookMs = Number.NaN, cutShort } = await measure(fake)
  expect([status, cutShort]).toEqual(['measured', undefined])
  expect(macsPerSecond / 5e11).toBeCloseTo(1, 1)
  expect(tookMs).toBeLessThanOrEqual(probeBudgetsMs.webgpu)
  expect(fake.clock).toMatchObject({ largest: 768, destroyed: 1 })
})

test('a software adapter is measured with a small one only', async () => {
  const fake = fakeGpu({ macsPerSecond: 5.2e7, software: true })
  const { status, macsPerSecond = 0, software, tookMs = Number.NaN } = await measure(fake)
  expect([status, software]).toEqual(['measured', true])
  expect(macsPerSecond / 5.2e7).toBeCloseTo(1, 1)
  expect(tookMs).toBeLessThanOrEqual(probeBudgetsMs.webgpu)
  expect(fake.clock.largest).toBe(96)
})

test('an adapter whose large product would take too long is told by the small one', async () => {
  const fake = fakeGpu({ macsPerSecond: 4e9 })
  const { tookMs = Number.NaN } = await measure(fake)
  expect(tookMs).toBeLessThanOrEqual(probeBudgetsMs.webgpu)
  expect(fake.clock.largest).toBe(96)
})

test('one that gives no device in its time is left, and no faster than that is told of it', async () => {
  const fake = fakeGpu({ macsPerSecond: 1e12, device: 'never' })
  const timers = createManualTimers()
  const measuring = measure(fake, timers)
  await expect.poll(() => timers.size).toBe(1)
  fake.clock.now = probeBudgetsMs.webgpu
  timers.fireAll()
  const measurement = await measuring
  const { status, cutShort, macsPerSecond = 0, tookMs, detail } = measurement
  expect([status, cutShort, tookMs]).toEqual(['measured', true, probeBudgetsMs.webgpu])
  expect(macsPerSecond).toBeLessThan(2e7)
  expect(detail).toBe('test')
  // Nor does a small model come here.
  expect(predictRunMs(measurement, 1)).toBeGreaterThanOrEqual(probeBudgetsMs.webgpu)
})

test('one that fails says so, and one that is not there is absent', async () => {
  expect(await measure(fakeGpu({ macsPerSecond: 1e9, fails: true }))).toMatchObject({
    status: 'failed',
    detail: 'test: no pipeline',
  })
  const gpu = { requestAdapter: async () => null } as unknown as GPU
  expect(await measureWebgpu({ gpu })).toMatchObject({ status: 'absent' })
})
