import type { BackendMeasurement } from '../../contracts/measurements.ts'
import { timeRuns } from '../../device/time-runs.ts'
import { probeChannels, probeKernel, probeMacs } from './probe-kernel.ts'
import type { Runtime } from './runtime.ts'

/** Has the runtime fetch and compile its WebAssembly, which it would do only for its first model. */
export async function compileRuntime(runtime: Runtime): Promise<void> {
  const session = await runtime.InferenceSession.create(probeKernel(), { executionProviders: ['wasm'] })
  await session.release()
}

/** Side of the image that the kernel works on: 7.2 million multiply-accumulates, a few milliseconds of WASM. */
const workSide = 28

/**
 * Times the built-in kernel in the loaded runtime's WASM backend: once with work, once with next to none.
 * Resolves to the backend's speed and its fixed cost a run.
 */
export async function measureWasm(runtime: Runtime, threads: number): Promise<BackendMeasurement> {
  const startedAt = performance.now()
  const session = await runtime.InferenceSession.create(probeKernel(), { executionProviders: ['wasm'] })
  try {
    const timeAt = (side: number) => {
      const x = new runtime.Tensor('float32', new Float32Array(probeChannels * side * side).fill(0.5), [
        1,
        probeChannels,
        side,
        side,
      ])
      return timeRuns(() => session.run({ x }))
    }
    const overheadMs = await timeAt(1)
    const workMs = Math.max((await timeAt(workSide)) - overheadMs, 0.01)
    return {
      backend: 'wasm',
      status: 'measured',
      threads,
      macsPerSecond: probeMacs(workSide) / (workMs / 1000),
      overheadMs,
      tookMs: performance.now() - startedAt,
    }
  } finally {
    await session.release()
  }
}
