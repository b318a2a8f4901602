import { Tensor } from 'onnxruntime-common'
import type { Manifest } from '../contracts/manifest.ts'
import type { ModelState } from '../contracts/model-state.ts'
import type { Arm, Prediction, Privacy, RouteParts, RouteRecord } from '../contracts/route.ts'
import { routeReasons } from '../contracts/route.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import type { Edge } from '../edge/edge-types.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { modelKey } from '../models/model-key.ts'
import { totalBytesOf } from '../models/total-bytes.ts'
import type { NetworkWatcher } from '../network/network-watcher.ts'
import type { Breaker } from '../routing/breaker.ts'
import type { CloudArm as CloudSnapshot, EdgeArm, RoutingSnapshot } from '../routing/decide-route.ts'
import { type Decision, decideRoute, type Predictions } from '../routing/decide-route.ts'
import type { RouteLearner } from '../routing/route-learner.ts'
import { runRoute } from '../routing/run-route.ts'
import { answerFor } from '../tasks/answer-for.ts'
import { logNormal, meanOf } from '../utils/log-normal.ts'
import type { CloudLink } from './cloud-link.ts'
import type { EdgeModels } from './edge-models.ts'
import { hungAfterMs } from './hung-after.ts'
import type { RunResult } from './types.ts'

/** What a model that failed with these codes lacks, this device will lack at the next try, too. */
const lastingCodes: ReadonlySet<string> = new Set([
  'no-backend',
  'model-unsupported',
  'model-set-aside',
  'license-not-accepted',
])
/** The name, shape and framing of a request beside its tensors. */
const requestOverheadBytes = 600

/** What the client has put together, as a request needs it. */
export interface RequestParts {
  readonly edge: Edge
  readonly edgeModels: EdgeModels
  readonly cloud: CloudLink | undefined
  readonly learner: RouteLearner
  readonly watcher: NetworkWatcher
  readonly breakers: Readonly<Record<Arm, Breaker>>
  /** Unpacks inputs off the page's thread, for an endpoint that does not. */
  readonly unpackInputs: (manifest: Manifest, inputs: TensorMap) => Promise<TensorMap>
  /** Where each model's last request ran by choice. */
  readonly previous: Map<string, Arm>
  /** Models may be downloaded ahead of need although the person asked the browser to save data. */
  readonly downloadOnMetered: boolean
}

const bytesOf = (inputs: TensorMap): number =>
  Object.values(inputs).reduce(
    (sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : data.join('').length),
    requestOverheadBytes,
  )

/** Bytes of a request before there is one: every free dimension at 1, four bytes an element. */
export const typicalBytes = ({ inputs, wire }: Manifest): number =>
  inputs.reduce(
    (sum, { name, type, shape }) =>
      sum +
      (type === 'uint8' || wire?.some(({ input }) => input === name) ? 1 : 4) *
        shape.reduce((a, dim) => a * Math.max(1, dim), 1),
    requestOverheadBytes,
  )

function edgeSnapshot(parts: RequestParts, manifest: Manifest, state: ModelState): EdgeArm {
  const { edge, learner, cloud, breakers } = parts
  const breakerOpen = !breakers.edge.allows(Date.now())
  const forecast = edge.forecast(manifest)
  if (forecast === undefined) return { status: 'unavailable', breakerOpen }
  const loaded = edge.loaded(manifest)
  const backend = loaded?.backend ?? forecast.backend
  const key = modelKey(manifest)
  if (!learner.knowsEdge(key, backend)) {
    if (loaded !== undefined) learner.assumeEdge(key, backend, logNormal(loaded.warmupMs + 1, 0.1))
    else if (forecast.ms !== undefined) learner.assumeEdge(key, backend, logNormal(forecast.ms + 1, 0.5))
  }
  const service = learner.edgeTime({ model: key, backend })
  const waitMs = edge.waiting(manifest) * meanOf(service)
  if (state.status === 'ready')
    return { status: 'ready', breakerOpen, time: learner.edgeTime({ model: key, backend, waitMs }) }
  const totalBytes = totalBytesOf(manifest)
  const isStored = state.status === 'stored' || state.status === 'loading'
  const loadedBytes = isStored ? totalBytes : state.status === 'downloading' ? state.loadedBytes : 0
  const downlink = cloud?.link.estimate().downlink ?? logNormal(15e6, 1.2)
  const time = learner.edgeTime({
    model: key,
    backend,
    waitMs,
    preparation: { remainingBytes: totalBytes - loadedBytes, downlink },
  })
  // A model that failed may load at the next try; one whose failure is this browser's lack may not.
  const failed = state.status === 'failed' && lastingCodes.has(state.code)
  // A paused download goes on when the person says so, not when a request comes.
  if (failed || state.status === 'paused') return { status: 'unavailable', breakerOpen, time }
  return { status: state.status === 'failed' ? 'absent' : state.status, breakerOpen, time }
}

function cloudSnapshot(parts: RequestParts, manifest: Manifest, requestBytes: number): CloudSnapshot | undefined {
  const { cloud, learner, breakers } = parts
  if (cloud === undefined) return undefined
  return {
    hasModel: cloud.hasModel(manifest.name),
    breakerOpen: !breakers.cloud.allows(Date.now()),
    time: learner.cloudTime({
      model: modelKey(manifest),
      requestBytes: requestBytes * cloud.wireShare(manifest.name),
      link: cloud.link.estimate(),
    }),
  }
}

/** All that the decision about a request rests on, as known now. */
export async function takeSnapshot(
  parts: RequestParts,
  manifest: Manifest,
  request: { readonly privacy: Privacy; readonly deadlineMs?: number | undefined; readonly requestBytes: number },
): Promise<RoutingSnapshot> {
  // Content-free, but an edge-only request should not even be a reason to call the endpoint.
  if (request.privacy !== 'edge-only') parts.cloud?.refresh(manifest.name)
  const asksEdge = request.privacy !== 'cloud-only'
  if (asksEdge) await parts.edge.ready(manifest)
  const state: ModelState = asksEdge ? await parts.edgeModels.state(manifest) : { status: 'absent' }
  return {
    privacy: request.privacy,
    online: parts.watcher.online,
    saveData: parts.watcher.saveData,
    deadlineMs: request.deadlineMs,
    edge: edgeSnapshot(parts, manifest, state),
    cloud: cloudSnapshot(parts, manifest, request.requestBytes),
    previous: parts.previous.get(manifest.name),
  }
}

/** Predictions of what is left, as completion times from the request's start. */
function fromStart({ edge, cloud }: Predictions, elapsedMs: number): Predictions {
  const shift = ({ meanMs, p90Ms }: Prediction) => ({ meanMs: meanMs + elapsedMs, p90Ms: p90Ms + elapsedMs })
  return { ...(edge && { edge: shift(edge) }), ...(cloud && { cloud: shift(cloud) }) }
}

interface ArmAnswer {
  readonly outputs: TensorMap
  readonly parts: RouteParts
  readonly backend?: RouteRecord['backend']
}

async function runOnEdge(
  parts: RequestParts,
  manifest: Manifest,
  inputs: TensorMap,
  signal: AbortSignal,
  transfer: boolean | undefined,
): Promise<ArmAnswer> {
  const { edge, edgeModels, learner } = parts
  await edgeModels.prepare(manifest, { signal })
  const backend = edge.loaded(manifest)?.backend ?? 'wasm'
  const predictedMs = meanOf(learner.edgeTime({ model: modelKey(manifest), backend }))
  const run = await edge.run(manifest, inputs, { timeoutMs: hungAfterMs(predictedMs), signal, transfer })
  learner.observeEdge(modelKey(manifest), run.backend, run.totalMs - run.queueMs)
  return { outputs: run.outputs, backend: run.backend, parts: { queueMs: run.queueMs, computeMs: run.computeMs } }
}

async function runOnCloud(
  { cloud, learner, unpackInputs }: RequestParts,
  manifest: Manifest,
  inputs: TensorMap,
  id: string,
  signal: AbortSignal,
): Promise<ArmAnswer> {
  if (cloud === undefined) throw new TypeError('no endpoint is configured')
  try {
    const { uplinkBitsPerSecond } = cloud.link.report()
    const options = { signal, id, outputs: manifest.outputs.map(({ name }) => name), uplinkBitsPerSecond }
    const { outputs, timing, requestBytes, responseBytes } = await cloud.wireForms.run(
      manifest,
      inputs,
      (sent) => cloud.arm.run(manifest.name, sent, options),
      unpackInputs,
    )
    cloud.observeWireShare(manifest.name, requestBytes / bytesOf(inputs))
    const { totalMs, serverMs, queueMs, computeMs } = timing
    const split = cloud.link.observeRequest({ requestBytes, responseBytes, totalMs, serverMs })
    if (split !== undefined) {
      learner.observeCloud(modelKey(manifest), { serverMs: split.serverMs, queueMs, responseBytes })
    }
    return {
      outputs,
      parts: {
        ...(split === undefined ? {} : { uploadMs: split.uploadMs + split.roundTripMs, downloadMs: split.downloadMs }),
        ...(queueMs === undefined ? {} : { queueMs }),
        ...(computeMs === undefined ? {} : { computeMs }),
      },
    }
  } catch (error) {
    if (isHitherError(error) && error.code === 'cloud-model-missing') cloud.lacksModel(manifest.name)
    throw error
  }
}

/**
 * Decides where a request runs, runs it there, and on the other arm where the first one fails and that is allowed.
 *
 * @throws {NoArmError} there is no arm, or each one failed
 */
export async function runRequest(
  parts: RequestParts,
  request: {
    readonly manifest: Manifest
    readonly inputs: TensorMap
    readonly privacy: Privacy
    readonly deadlineMs?: number | undefined
    readonly signal: AbortSignal
    readonly startedAt: number
    readonly startedAtMs: number
    readonly prepareMs: number
    /** Hands the inputs over to the edge: after that, no other arm can be asked. */
    readonly transfer?: boolean | undefined
  },
): Promise<RunResult> {
  const { manifest, inputs, privacy, signal, startedAt, startedAtMs, prepareMs, transfer } = request
  const id = crypto.randomUUID()
  const snapshot = await takeSnapshot(parts, manifest, { ...request, requestBytes: bytesOf(inputs) })
  const decided = decideRoute(snapshot)
  const isGivenAway = transfer === true && decided.arm === 'edge'
  const { fallback: _, ...alone } = { fallback: undefined, ...decided }
  const decision: Decision = isGivenAway ? alone : decided
  const decidedMs = performance.now() - startedAt
  // The answer need not wait for the download: the cloud bridges it while the model comes here.
  const mayFetchAhead = !snapshot.saveData || parts.downloadOnMetered
  const comesHere = privacy !== 'cloud-only' && mayFetchAhead && snapshot.edge.status !== 'unavailable'
  if (comesHere && decision.arm === 'cloud') {
    void parts.edgeModels.prepare(manifest, { priority: 'background' }).catch(() => {})
  }
  const outcome = await runRoute({
    // With the edge as the only arm, a worker that died is replaced and asked once more.
    decision:
      decision.arm === 'edge' && decision.fallback === undefined && !isGivenAway
        ? { ...decision, fallback: 'edge' }
        : decision,
    attempt: (arm) =>
      arm === 'edge'
        ? runOnEdge(parts, manifest, inputs, signal, transfer)
        : runOnCloud(parts, manifest, inputs, id, signal),
    breakers: parts.breakers,
    nowMs: () => performance.now(),
    signal,
  })
  if (decision.arm !== undefined) parts.previous.set(manifest.name, decision.arm)
  const { outputs, backend, parts: timeParts } = outcome.value
  const answer = answerFor(manifest, outputs)
  const reason = outcome.ran === decision.arm && decision.fallback === undefined ? decision.reason : outcome.reason
  return {
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, { type, dims, data }]) => [name, new Tensor(type, data as never, dims)]),
    ),
    ...(answer === undefined ? {} : { answer }),
    route: {
      id,
      model: manifest.name,
      revision: manifest.revision,
      startedAtMs,
      ran: outcome.ran,
      ...(backend === undefined ? {} : { backend }),
      reason,
      why: routeReasons[reason],
      predicted: fromStart(decision.predicted, decidedMs),
      actualMs: performance.now() - startedAt,
      parts: { prepareMs, ...timeParts },
      attempts: outcome.attempts,
    },
  }
}
