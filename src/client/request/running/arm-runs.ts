import type { Manifest } from '../../../contracts/manifest.ts'
import type { Privacy, RouteParts, RouteRecord } from '../../../contracts/route.ts'
import type { TensorMap } from '../../../contracts/tensor.ts'
import { CloudError } from '../../../errors/cloud-error.ts'
import { isHitherError } from '../../../errors/hither-error.ts'
import { ModelError } from '../../../errors/model-error.ts'
import { modelKey } from '../../../models/manifest/model-key.ts'
import type { ArmRef } from '../../../routing/router-types.ts'
import { OvertakenError } from '../../../routing/running/run-plan.ts'
import { given } from '../../../utils/given.ts'
import { invariant } from '../../../utils/invariant.ts'
import { meanOf } from '../../../utils/log-normal.ts'
import type { CloudLink } from '../../cloud/cloud-link.ts'
import { bytesOf } from '../snapshot/request-bytes.ts'
import type { RequestContext } from '../snapshot/request-context.ts'
import { findAnswerProblem, pickOutputs } from '../tensors/check-answer.ts'
import { hungAfterMs } from './time-limits.ts'

export interface ArmAnswer {
  readonly outputs: TensorMap
  readonly parts: RouteParts
  readonly backend?: RouteRecord['backend']
}

export interface ArmRequest {
  readonly manifest: Manifest
  readonly inputs: TensorMap
  readonly privacy: Privacy
  readonly id: string
  readonly transfer?: boolean | undefined
  /** After this many milliseconds an endpoint that is silent is slower than was predicted. */
  readonly cloudSlowMs?: number | undefined
  /** After this many it counts as failed. */
  readonly cloudTimeoutMs?: number | undefined
}

async function runOnEdge(context: RequestContext, request: ArmRequest, signal: AbortSignal): Promise<ArmAnswer> {
  const { edge, edgeModels, learner } = context
  const { manifest, inputs, transfer } = request
  await edgeModels.prepare(manifest, { signal })
  const backend = edge.loaded(manifest)?.backend ?? 'wasm'
  const key = modelKey(manifest)
  const predictedMs = meanOf(learner.edgeTime({ model: key, backend }))
  const wasFree = edge.waiting(manifest) === 0
  const startMs = performance.now()
  try {
    const run = await edge.run(manifest, inputs, { timeoutMs: hungAfterMs(predictedMs), signal, transfer })
    const problem = findAnswerProblem(manifest, run.outputs)
    if (problem !== undefined) {
      const { output, got, expected } = problem
      throw new ModelError(
        'model-wrong-answer',
        `The output ${output} of ${manifest.name} is ${got} on this device, but should be ${expected}.`,
        { context: { ...problem } },
      )
    }
    learner.observeEdge(key, run.backend, run.totalMs - run.queueMs)
    return {
      outputs: pickOutputs(manifest, run.outputs),
      backend: run.backend,
      parts: { queueMs: run.queueMs, computeMs: run.computeMs },
    }
  } catch (error) {
    // An overtaken run would have taken longer still. One that may have waited says nothing of its own time.
    if (signal.reason instanceof OvertakenError && wasFree) {
      learner.observeEdgeAtLeast(key, backend, performance.now() - startMs)
    }
    throw error
  }
}

async function runOnCloud(
  cloud: CloudLink,
  { unpackInputs }: RequestContext,
  request: ArmRequest,
  signal: AbortSignal,
): Promise<ArmAnswer> {
  const { manifest, inputs, id, cloudTimeoutMs, cloudSlowMs = Number.POSITIVE_INFINITY } = request
  const startMs = performance.now()
  const ended = cloud.overdue.sent({
    requestBytes: bytesOf(inputs) * cloud.wireShare(manifest.name),
    slowAfterMs: cloudSlowMs,
  })
  try {
    const { uplinkBitsPerSecond } = cloud.link.report()
    const options = {
      signal,
      id,
      outputs: manifest.outputs.map(({ name }) => name),
      uplinkBitsPerSecond,
      ...given({ timeoutMs: cloudTimeoutMs }),
    }
    const { outputs, timing, requestBytes, responseBytes } = await cloud.wireForms.run(
      manifest,
      inputs,
      (sent) => cloud.arm.run(manifest.name, sent, options),
      unpackInputs,
    )
    const problem = findAnswerProblem(manifest, outputs)
    if (problem !== undefined) {
      const { output, got, expected } = problem
      throw new CloudError(
        'cloud-bad-response',
        `The endpoint's output ${output} of ${manifest.name} is ${got}, but should be ${expected}.`,
        { context: { ...problem } },
      )
    }
    cloud.observeWireShare(manifest.name, requestBytes / bytesOf(inputs))
    const { totalMs, serverMs, queueMs, computeMs } = timing
    const split = cloud.link.observeRequest({ requestBytes, responseBytes, totalMs, serverMs })
    if (split !== undefined) {
      cloud.learner.observeCloud(modelKey(manifest), { serverMs: split.serverMs, queueMs, responseBytes })
    }
    return {
      outputs: pickOutputs(manifest, outputs),
      parts: {
        ...(split === undefined ? {} : { uploadMs: split.uploadMs + split.roundTripMs, downloadMs: split.downloadMs }),
        ...given({ queueMs, computeMs }),
      },
    }
  } catch (error) {
    if (isHitherError(error) && error.code === 'cloud-model-missing') cloud.lacksModel(manifest.name)
    // An overtaken run would have taken longer still: a lower bound for the link.
    if (signal.reason instanceof OvertakenError) {
      const requestBytes = bytesOf(inputs) * cloud.wireShare(manifest.name)
      cloud.link.observeAtLeast({ requestBytes, elapsedMs: performance.now() - startMs })
    }
    throw error
  } finally {
    ended()
  }
}

/** Runs a request on an arm, and learns from it. */
export async function runOnArm(
  context: RequestContext,
  request: ArmRequest,
  ref: ArmRef,
  signal: AbortSignal,
): Promise<ArmAnswer> {
  if (ref.arm === 'edge') return runOnEdge(context, request, signal)
  // The router knows of no endpoint then. Should it ever name one, content stays on this device all the same.
  invariant(request.privacy !== 'edge-only', 'an edge-only request was planned for an endpoint')
  const cloud = context.clouds.find(({ name }) => name === ref.endpoint)
  invariant(cloud !== undefined, `no endpoint is called ${ref.endpoint}`)
  return runOnCloud(cloud, context, request, signal)
}
