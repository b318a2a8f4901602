import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { probeBudgetsMs } from '../../device/probe-budget.ts'
import { measureWasm } from './measure-session.ts'
import { probeMacs } from './probe-kernel.ts'
import type { Runtime } from './runtime.ts'

/** A runtime of a given speed, on a clock of the test. @param hiccupMs what the runs without work take longer */
function fakeRuntime(macsPerSecond: number, overheadMs = 0.05, hiccupMs = 0) {
  const clock = { now: 0 }
  class Tensor {
    readonly dims: readonly number[]
    constructor(_: string, __: Float32Array, dims: readonly number[]) {
      this.dims = dims
    }
  }
  const session = {
    async run({ x }: { x: Tensor }) {
      const side = x.dims[2] ?? 0
      clock.now += side === 1 ? hiccupMs : 0
      clock.now += overheadMs + (probeMacs(side) / macsPerSecond) * 1000
      return {}
    },
    release: async () => {},
  }
  const InferenceSession = {
    create: async () => {
      clock.now += 2
      return session
    },
  }
  const runtime = { InferenceSession, Tensor } as unknown as Pick<Runtime, 'InferenceSession' | 'Tensor'>
  return { clock, runtime }
}
const measure = ({ clock, runtime }: ReturnType<typeof fakeRuntime>) =>
  measureWasm(runtime, 1, probeBudgetsMs.wasm, () => clock.now)

test('a processor of any speed that runs models is measured right, within its share of the 150 ms', async () => {
  await fc.assert(
    fc.asyncProperty(fc.double({ min: 7.7, max: 11.5, noNaN: true }), async (exponent) => {
      const speed = 10 ** exponent
      const fake = fakeRuntime(speed)
      const { macsPerSecond = 0, tookMs = Number.NaN } = await measure(fake)
      expect(macsPerSecond / speed).toBeCloseTo(1, 1)
      expect(tookMs).toBeLessThanOrEqual(probeBudgetsMs.wasm)
      expect(fake.clock.now).toBe(tookMs)
    }),
  )
})

test('one far too slow is left after what it had begun', async () => {
  const fake = fakeRuntime(5e6)
  const { status, cutShort, tookMs = 0 } = await measure(fake)
  expect([status, cutShort]).toEqual(['measured', true])
  expect((await measure(fakeRuntime(4e9))).cutShort).toBeUndefined()
  // Two runs of the small size would be 236 ms.
  expect(tookMs).toBeLessThan(150)
})

test('a machine that stalls in the midst of it is not taken for one that is fast', async () => {
  const speed = 4e8
  const { macsPerSecond = 0, overheadMs = 0 } = await measure(fakeRuntime(speed, 0.2, 20))
  expect(macsPerSecond / speed).toBeLessThan(11)
  expect(macsPerSecond / speed).toBeGreaterThan(0.5)
  expect(overheadMs).toBeLessThan(5)
})
