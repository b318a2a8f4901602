import type { BackendMeasurement } from '../../contracts/measurements.ts'
import { timeRuns } from '../../device/time-runs.ts'
import { probeChannels, probeKernel, probeMacs } from './probe-kernel.ts'
import type { Runtime } from './runtime.ts'

/** Has the runtime fetch and compile its WebAssembly, which it would do only for its first model. */
export async function compileRuntime(runtime: Runtime): Promise<void> {
  const session = await runtime.InferenceSession.create(probeKernel(), { executionProviders: ['wasm'] })
  await session.release()
}

/**
 * Sides of the images that the kernel works on: next to nothing, 0.6 and 7.2 million multiply-accumulates. The last
 * one takes a few milliseconds, and is left out where it would take longer than there is time for.
 */
const sides = { none: 1, small: 8, large: 28 } as const

/** On a processor that others use, too, a hiccup only ever lengthens a run, and these take a fraction of a millisecond. */
const shortest = (times: readonly number[]) => Math.min(...times)

/** The share of a run's time that is work at least, whatever the runs with less of it took. */
const leastWork = 0.1

/**
 * Times the built-in kernel in the loaded runtime's WASM backend: with next to no work, with little, and with more
 * where that fits into `budgetMs`. Resolves to the backend's speed and its fixed cost a run; to one that was cut short
 * where there was time for little only.
 */
export async function measureWasm(
  runtime: Pick<Runtime, 'InferenceSession' | 'Tensor'>,
  threads: number,
  budgetMs: number,
  nowMs = () => performance.now(),
): Promise<BackendMeasurement> {
  const startedAt = nowMs()
  const budget = { untilMs: startedAt + budgetMs, nowMs }
  const session = await runtime.InferenceSession.create(probeKernel(), { executionProviders: ['wasm'] })
  try {
    const timeAt = (side: number) => {
      const dims = [1, probeChannels, side, side]
      const data = new Float32Array(probeChannels * side * side).fill(0.5)
      const x = new runtime.Tensor('float32', data, dims)
      return timeRuns(() => session.run({ x }), budget, shortest)
    }
    const noneMs = await timeAt(sides.none)
    const smallMs = await timeAt(sides.small)
    // What a hiccup of the machine lengthened is no fixed cost: no run is shorter than that.
    const overheadMs = Math.min(noneMs, smallMs)
    const workMsOf = (ms: number) => Math.max(ms - overheadMs, leastWork * ms, 0.01)
    const speedOf = (side: number, ms: number) => probeMacs(side) / (workMsOf(ms) / 1000)
    const largeMs = workMsOf(smallMs) * (probeMacs(sides.large) / probeMacs(sides.small))
    const hasTime = nowMs() + 2 * (largeMs + overheadMs) < budget.untilMs
    return {
      backend: 'wasm',
      status: 'measured',
      threads,
      macsPerSecond: hasTime ? speedOf(sides.large, await timeAt(sides.large)) : speedOf(sides.small, smallMs),
      overheadMs,
      tookMs: nowMs() - startedAt,
      // A busy moment is magnified where little work stands for much: it is measured again when there is time.
      ...(hasTime ? {} : { cutShort: true }),
    }
  } finally {
    await session.release()
  }
}
