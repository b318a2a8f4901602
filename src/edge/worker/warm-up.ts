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
 * Many good models do not take zeros: as the size that a picture is brought to, a step, a divisor. So a run of zeros
 * that fails says nothing of the model.
 *
 * @returns what a run takes, in milliseconds: timed here, or known before; undefined where WASM did not take the zeros
 * @throws {ModelError} `model-wrong-answer`
 * @throws as `run` does: for a canary, after a trap, and on other backends than WASM, where the next run may fail, too
 */
export async function warmUp(
  run: Run,
  request: Pick<LoadRequest, 'backend' | 'canary' | 'tolerance' | 'knownMs' | 'warmsUp'>,
  inputs: TensorMap,
): Promise<number | undefined> {
  const { backend, canary, tolerance, knownMs, warmsUp = true } = request
  if (canary === undefined && (knownMs !== undefined || !warmsUp)) return knownMs
  try {
    const { outputs } = await run(inputs)
    if (canary) checkCanary(canary.outputs, outputs, tolerance)
    return knownMs ?? (await timeSession(run, inputs))
  } catch (error) {
    if (canary !== undefined || backend !== 'wasm' || error instanceof WebAssembly.RuntimeError) throw error
    return undefined
  }
}
