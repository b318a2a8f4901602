import type { BackendMeasurement } from '../../contracts/measurements.ts'
import { median } from '../../utils/median.ts'
import { probeChannels, probeKernel, probeMacs } from './probe-kernel.ts'
import type { Runtime } from './runtime.ts'

/** Side of the image that the kernel works on: 7.2 million multiply-accumulates, a few milliseconds of WASM. */
const workSide = 28
const runs = 5

/**
 * Times the built-in kernel in the loaded runtime's WASM backend: once with work, once with next to none.
 * Resolves to the backend's speed and its fixed cost a run.
 */
export async function measureWasm(runtime: Runtime, threads: number): Promise<BackendMeasurement> {
  const session = await runtime.InferenceSession.create(probeKernel(), { executionProviders: ['wasm'] })
  try {
    const timeAt = async (side: number) => {
      const x = new runtime.Tensor('float32', new Float32Array(probeChannels * side * side).fill(0.5), [
        1,
        probeChannels,
        side,
        side,
      ])
      const times: number[] = []
      await session.run({ x }) // the first run allocates
      for (let run = 0; run < runs; run += 1) {
        const startedAt = performance.now()
        await session.run({ x })
        times.push(performance.now() - startedAt)
      }
      return median(times)
    }
    const overheadMs = await timeAt(1)
    const workMs = Math.max((await timeAt(workSide)) - overheadMs, 0.01)
    return {
      backend: 'wasm',
      status: 'measured',
      threads,
      macsPerSecond: probeMacs(workSide) / (workMs / 1000),
      overheadMs,
    }
  } finally {
    await session.release()
  }
}
