import type { TensorMap } from '../../contracts/tensor.ts'
import { median } from '../../utils/median.ts'
import type { LoadRequest } from '../worker-types.ts'
import { checkCanary } from './canary.ts'

type Run = (inputs: TensorMap) => Promise<{ readonly outputs: TensorMap }>

const mostRuns = 3
/** A slow model is timed once: a person waits for its first answer. */
const enoughMs = 60

/** The median of a few runs of a session that has run before, in milliseconds. */
export async function timeSession(run: Run, inputs: TensorMap): Promise<number> {
  const times: number[] = []
  let spentMs = 0
  while (times.length < mostRuns && spentMs < enoughMs) {
    const startedAt = performance.now()
    await run(inputs)
    times.push(performance.now() - startedAt)
    spentMs += times.at(-1) ?? 0
  }
  return median(times)
}

/**
 * Runs a session that was just created: its canary, which has to be answered rightly, or zeros. The first run compiles
 * and allocates, and is not timed.
 *
 * @returns what a run takes, in milliseconds: timed here, or known before; undefined where it could not be run on WASM,
 *   because some dimensions are free and the model does not take them at one
 * @throws {ModelError} `model-wrong-answer`
 */
export async function warmUp(
  run: Run,
  request: Pick<LoadRequest, 'backend' | 'canary' | 'tolerance' | 'knownMs' | 'inputs'>,
  inputs: TensorMap,
): Promise<number | undefined> {
  const { canary, tolerance, knownMs } = request
  if (canary === undefined && knownMs !== undefined) return knownMs
  const isFree = request.inputs.some(({ shape }) => shape.some((dim) => dim < 0))
  // Elsewhere a session whose run failed may fail at the next one, too.
  const isGuess = canary === undefined && isFree && request.backend === 'wasm'
  try {
    const { outputs } = await run(inputs)
    if (canary) checkCanary(canary.outputs, outputs, tolerance)
    return knownMs ?? (await timeSession(run, inputs))
  } catch (error) {
    if (!isGuess || error instanceof WebAssembly.RuntimeError) throw error
    return undefined
  }
}
