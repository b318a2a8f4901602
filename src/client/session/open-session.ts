import type { Manifest } from '../../contracts/manifest.ts'
import type { TensorSpec } from '../../contracts/tensor.ts'
import { openEdgeSession } from '../../edge/edge-session.ts'
import type { EdgeEngine } from '../../edge/edge-types.ts'
import { type SessionPlan, toSessionPlan } from '../../edge/session-plan.ts'
import { ConfigError } from '../../errors/config-error.ts'
import { NoArmError } from '../../errors/no-arm-error.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import type { RouteLearner } from '../../routing/learning/route-learner.ts'
import { anySignal } from '../../utils/any-signal.ts'
import { meanOf } from '../../utils/log-normal.ts'
import { withDeadline } from '../../utils/with-deadline.ts'
import type { Background } from '../background/create-background.ts'
import type { EdgeModels } from '../edge/edge-models.ts'
import { hungAfterMs } from '../request/running/time-limits.ts'
import { inputTensors, resultTensors } from '../request/tensors/tensor-maps.ts'
import type { ModelSession, SessionOptions } from '../types/session-types.ts'
import { parseSessionOptions, parseSessionRunOptions } from './parse-session-options.ts'

/** The specs of the values that a run takes, as the models that take them give them. */
function inputSpecsOf({ steps, inputs }: SessionPlan): TensorSpec[] {
  return steps.flatMap(({ manifest, inputs: names }) =>
    manifest.inputs.flatMap((spec) => {
      const name = names[spec.name] ?? spec.name
      return inputs.includes(name) ? [{ ...spec, name }] : []
    }),
  )
}

export interface SessionParts {
  readonly edge: EdgeEngine
  readonly edgeModels: EdgeModels
  readonly background: Pick<Background, 'manifest' | 'readFiles'>
  readonly learner: RouteLearner
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal
}

/**
 * Opens a session: downloads its models and loads the heaviest one. The others are loaded beside it when it first runs,
 * and all of them again when their worker has died.
 */
export async function openSession(
  parts: SessionParts,
  session: string | SessionOptions,
  signal: AbortSignal,
): Promise<ModelSession> {
  const { edge, edgeModels, background, learner, closing } = parts
  const { steps, state, outputs } = parseSessionOptions(
    typeof session === 'string' ? { steps: [{ model: session }] } : session,
  )
  const described = await Promise.all(
    steps.map(async ({ model, ...step }) => ({ ...step, manifest: await background.manifest(model) })),
  )
  const plan = toSessionPlan({ steps: described, state, outputs })
  const manifests = [...new Map(described.map(({ manifest }) => [manifest.name, manifest])).values()]
  const [heaviest, ...others] = manifests.sort((a, b) => b.complexity.macs - a.complexity.macs)
  await Promise.all(others.map((manifest) => edgeModels.download(manifest, { signal })))
  if (heaviest !== undefined) await edgeModels.prepare(heaviest, { signal })

  const opened = openEdgeSession(edge, plan, async (manifest: Manifest) => {
    await edgeModels.download(manifest, { signal: closing }) // a model that was removed meanwhile comes again
    return background.readFiles(manifest.name, manifest.revision)
  })
  const specs = inputSpecsOf(plan)
  const name = manifests.map((manifest) => manifest.name).join(' + ')
  let isShared = false
  /** The session's models answer plain runs, too. */
  const shareLoaded = () => {
    if (isShared) return
    isShared = true
    for (const manifest of others) {
      const loaded = edge.loaded(manifest)
      if (loaded !== undefined) edgeModels.moved(manifest, loaded)
    }
  }

  return {
    inputs: plan.inputs,
    outputs: plan.outputs,
    async run(inputs, runOptions = {}) {
      const startedAt = performance.now()
      const { signal: given, timeoutMs, transfer } = parseSessionRunOptions(runOptions)
      if (closing.aborted) throw new ConfigError('client-closed', 'The client was closed.')
      given?.throwIfAborted()
      const tensors = inputTensors({ name, inputs: specs }, inputs ?? {})
      const predictedMs = manifests.reduce((sum, manifest) => {
        const backend = edge.loaded(manifest)?.backend ?? 'wasm'
        return sum + meanOf(learner.edgeTime({ model: modelKey(manifest), backend }))
      }, 0)
      const run = await withDeadline(
        (bounded) => opened.run(tensors, { timeoutMs: hungAfterMs(predictedMs), signal: bounded, transfer }),
        {
          ms: timeoutMs,
          signal: anySignal(given, closing),
          onDeadline: () =>
            new NoArmError('deadline-exceeded', `No answer came within ${timeoutMs} ms. Allow more time.`),
        },
      )
      shareLoaded()
      return {
        outputs: resultTensors(run.outputs),
        backend: run.backend,
        actualMs: performance.now() - startedAt,
        queueMs: run.queueMs,
        computeMs: run.computeMs,
      }
    },
    reset: () => opened.reset(),
    close: () => opened.close(),
  }
}
