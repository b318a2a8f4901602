import { expect, test } from 'vitest'
import type { AdapterFacts, BackendMeasurement } from '../contracts/measurements.ts'
import { setupsOf } from '../device/backend-setups.ts'
import { probeBudgetsMs } from '../device/probe-budget.ts'
import { createDeviceKnowledge } from './device-knowledge.ts'
import { createDeviceProbe } from './device-probe.ts'
import type { EdgeHosts } from './edge-hosts.ts'

const adapterOf = (name: string): AdapterFacts => ({
  name,
  software: false,
  shaderF16: true,
  maxBufferBytes: 1e9,
})

/** A browser that is visited again and again: what it remembers, and what each visit measures, with its budgets. */
function openDevice() {
  const records: unknown[] = []
  const device = { browser: 'Chromium 156', adapter: adapterOf('one'), hurried: false }
  const visit = () => {
    const measured: [string, number][] = []
    const note = (what: string, budgetMs: number, measurement: BackendMeasurement): BackendMeasurement => {
      measured.push([what, budgetMs])
      return { macsPerSecond: 1e9, overheadMs: 1, ...measurement }
    }
    const hosts = {
      of: ({ threads }: { threads: number }) => ({
        measure: async (budgetMs: number) =>
          note(`wasm/${threads}`, budgetMs, { backend: 'wasm', status: 'measured', threads }),
      }),
      sweep: () => {},
    } as unknown as EdgeHosts
    const knowledge = createDeviceKnowledge({
      read: async () => records.at(-1),
      write: async (record) => void records.push(record),
    })
    const probe = createDeviceProbe({
      setups: setupsOf(['wasm', 'webgpu', 'webnn'], 4, false),
      hosts,
      knowledge,
      device: device.browser,
      measures: {
        detectAdapter: async () => device.adapter,
        measureWebgpu: async (budgetMs) =>
          note('webgpu', budgetMs, {
            backend: 'webgpu',
            status: 'measured',
            ...(device.hurried && budgetMs < 1_000 ? { cutShort: true } : {}),
          }),
        measureWebnn: async (budgetMs) => note('webnn', budgetMs, { backend: 'webnn', status: 'absent' }),
      },
      onMeasured: () => {},
    })
    return { probe, measured, knowledge }
  }
  return { device, visit }
}

test('a first visit measures each backend once, within 150 ms in all; other thread counts wait until nothing runs', async () => {
  const { probe, measured } = openDevice().visit()
  await Promise.all([probe.measure(), probe.measure()])
  expect(measured.map(([what]) => what)).toEqual(['wasm/4', 'webgpu', 'webnn'])
  expect(measured.reduce((sum, [, budgetMs]) => sum + budgetMs, 0)).toBe(150)
  await probe.measureRest()
  expect(measured.slice(3)).toEqual([['wasm/1', probeBudgetsMs.wasm]])
})

test('a later visit measures nothing; another browser version does', async () => {
  const { device, visit } = openDevice()
  const first = visit()
  await first.probe.measureRest()
  const again = visit()
  await again.probe.measureRest()
  expect(again.measured).toEqual([])
  expect(again.knowledge.measurements).toEqual(first.knowledge.measurements)
  device.browser = 'Chromium 157'
  const updated = visit()
  await updated.probe.measure()
  expect(updated.measured.map(([what]) => what)).toEqual(['wasm/4', 'webgpu', 'webnn'])
})

test('another adapter is noticed while nothing runs, and is measured alone', async () => {
  const { device, visit } = openDevice()
  await visit().probe.measureRest()
  device.adapter = adapterOf('two')
  const { probe, measured, knowledge } = visit()
  await probe.measure()
  expect(measured).toEqual([])
  await probe.measureRest()
  expect(measured.map(([what]) => what)).toEqual(['webgpu'])
  expect(knowledge.adapter?.name).toBe('two')
  const later = visit()
  await later.probe.measureRest()
  expect(later.measured).toEqual([])
})

test('what a busy moment cut short is measured again without a hurry', async () => {
  const { device, visit } = openDevice()
  device.hurried = true
  const { probe, measured, knowledge } = visit()
  await probe.measure()
  expect(knowledge.measurements.find(({ backend }) => backend === 'webgpu')?.cutShort).toBe(true)
  await probe.measureRest()
  expect(measured.slice(3).map(([what]) => what)).toEqual(['wasm/1', 'webgpu'])
  expect(knowledge.measurements.find(({ backend }) => backend === 'webgpu')?.cutShort).toBeUndefined()
})
