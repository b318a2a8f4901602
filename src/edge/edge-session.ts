import type { TensorMap } from '../contracts/tensor.ts'
import { EdgeError } from '../errors/edge-error.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import { createSerialQueue } from '../utils/serial-queue.ts'
import type { EdgeEngine, EdgeRun, EdgeSession, HeldModels } from './edge-types.ts'
import type { SessionPlan } from './session-plan.ts'
import type { WorkerPlan } from './worker-types.ts'

const toWorkerPlan = ({ steps, state, outputs }: SessionPlan): WorkerPlan => ({
  steps: steps.map(({ manifest, inputs, outputs }) => ({ key: modelKey(manifest), inputs, outputs })),
  state,
  outputs,
})

/** The worker is gone: another one may answer. A run that hung would hang in another one, too. */
const isDeath = (error: unknown) =>
  isHitherError(error) && (error.code === 'edge-crashed' || error.code === 'edge-device-lost')

/**
 * A session over models that are loaded when it first runs, and again when their worker dies. It keeps the newest copy
 * of a small state, so that a run whose worker dies is repeated in a new one, from where the session was.
 *
 * @param readFiles reads a model's files each time that it is loaded
 */
export function openEdgeSession(
  engine: Pick<EdgeEngine, 'hold'>,
  plan: SessionPlan,
  readFiles: Parameters<EdgeEngine['hold']>[1],
): EdgeSession {
  // Tabs that share an engine name their sessions in the same worker.
  const sessionId = crypto.randomUUID()
  const queue = createSerialQueue()
  const workerPlan = toWorkerPlan(plan)
  const keys = workerPlan.steps.map(({ key }) => key)
  let held: HeldModels | undefined
  /** The state after the last answered run; undefined before it, or when it is too large for a copy. */
  let kept: TensorMap | undefined
  let hasRun = false
  /** A run was aborted after it had started, so the worker's state may be ahead of the last answer. */
  let isAhead = false
  let closed = false

  const restart = () => {
    kept = undefined
    hasRun = false
    isAhead = true
  }
  const letGo = () => {
    held?.release()
    held = undefined
  }
  const lost = (cause?: unknown) => {
    restart()
    return new EdgeError(
      'edge-session-lost',
      'What the session had kept is lost, because its worker ended or a run was aborted. Start again from the beginning.',
      { cause },
    )
  }

  /** The models in a worker that is at the state of the last answer. */
  const open = async (): Promise<HeldModels> => {
    if (held !== undefined && keys.every((key) => held?.host.has(key))) {
      if (!isAhead) return held
    } else {
      letGo()
      held = await engine.hold(plan, readFiles)
    }
    if (hasRun && kept === undefined) throw lost()
    await held.host.startSession(sessionId, workerPlan, kept)
    isAhead = false
    return held
  }

  const runOnce = async (inputs: TensorMap, options: Parameters<EdgeSession['run']>[1]): Promise<EdgeRun> => {
    const startedAt = performance.now()
    const { host, backend } = await open()
    isAhead = true
    const { state, ...run } = await host.runSession(sessionId, inputs, options)
    isAhead = false
    hasRun = true
    kept = state
    return { ...run, backend, totalMs: performance.now() - startedAt }
  }

  return {
    run: (inputs, options) =>
      queue.add(async () => {
        if (closed) throw new EdgeError('edge-session-lost', 'The session is closed.')
        options.signal?.throwIfAborted()
        try {
          return await runOnce(inputs, options)
        } catch (error) {
          if (!isDeath(error)) throw error
          if (options.transfer || (hasRun && kept === undefined)) throw lost(error)
          return runOnce(inputs, options)
        }
      }),
    reset() {
      restart()
    },
    async close() {
      if (closed) return
      closed = true
      await queue.add(async () => {
        await held?.host.closeSession(sessionId)
        letGo()
      })
    },
  }
}
