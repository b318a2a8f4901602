import type { Manifest } from '../../../contracts/manifest.ts'
import type { Privacy } from '../../../contracts/route.ts'
import type { TensorMap } from '../../../contracts/tensor.ts'
import { NoArmError } from '../../../errors/no-arm-error.ts'
import { modelKey } from '../../../models/manifest/model-key.ts'
import { sentenceOf } from '../../../routing/explain-route.ts'
import type { RoutePlan } from '../../../routing/router-types.ts'
import { runPlan } from '../../../routing/running/run-plan.ts'
import { answerFor } from '../../../tasks/decode/answer-for.ts'
import { given } from '../../../utils/given.ts'
import { meanOf } from '../../../utils/log-normal.ts'
import { randomId } from '../../../utils/random-id.ts'
import { systemTimers } from '../../../utils/with-deadline.ts'
import type { RunResult } from '../../types/run-types.ts'
import { refreshKnowledge } from '../snapshot/knowledge.ts'
import { bytesOf } from '../snapshot/request-bytes.ts'
import type { RequestContext } from '../snapshot/request-context.ts'
import { takeSnapshot } from '../snapshot/take-snapshot.ts'
import { resultTensors } from '../tensors/tensor-maps.ts'
import { runOnArm } from './arm-runs.ts'
import { toRouteRecord } from './route-record.ts'
import { type AheadRun, startAhead } from './start-ahead.ts'
import { silentAfterMs, slowAfterMs } from './time-limits.ts'

const slackMs = 100

/** With `transfer`, the inputs are gone after the edge run: no hedge and no fall-backs. */
function withoutOthers({ second: _, ...plan }: RoutePlan): RoutePlan {
  return { ...plan, fallbacks: [] }
}

/** A request whose inputs are read. */
export interface PreparedRequest {
  readonly manifest: Manifest
  readonly inputs: TensorMap
  readonly privacy: Privacy
  readonly deadlineMs?: number | undefined
  readonly timeoutMs?: number | undefined
  readonly signal: AbortSignal
  readonly startedAt: number
  readonly startedAtMs: number
  readonly prepareMs: number
  /** Hands the inputs over to the edge: after that, no other arm can be asked. */
  readonly transfer?: boolean | undefined
}

/** Prepares the model beside the cloud's run, and says when an answer would have come from here. */
function bringHere(
  context: RequestContext,
  manifest: Manifest,
  request: { readonly id: string; readonly startedAt: number; readonly isReady: boolean },
): void {
  context.edgeModels.prepare(manifest, { priority: 'background' }).then(
    ({ backend }) => {
      if (request.isReady) return
      const readyMs = performance.now() - request.startedAt
      const runMs = meanOf(context.learner.edgeTime({ model: modelKey(manifest), backend }))
      context.onEdgeReady(request.id, readyMs + runMs)
    },
    () => {}, // its failure is the model's state
  )
}

async function planAndRun(
  context: RequestContext,
  request: PreparedRequest,
  id: string,
  ahead: AheadRun | undefined,
): Promise<RunResult> {
  const { manifest, inputs, privacy, deadlineMs, timeoutMs, signal, startedAt, startedAtMs, prepareMs, transfer } =
    request
  const { router } = context
  const leftOf = (ms: number | undefined) =>
    ms === undefined ? undefined : Math.max(1, ms - (performance.now() - startedAt))
  const { snapshot, known, edgeLacks } = takeSnapshot(await refreshKnowledge(context, manifest, privacy), manifest, {
    privacy,
    deadlineMs: leftOf(deadlineMs),
    requestBytes: bytesOf(inputs),
    once: transfer,
    isAhead: ahead !== undefined,
  })
  const plan = router.decide(snapshot)
  if (plan.arm === undefined) {
    throw new NoArmError('no-arm', [sentenceOf(plan), edgeLacks].filter(Boolean).join(' '))
  }
  const decidedMs = performance.now() - startedAt
  // The cloud bridges the download: the answer need not wait for it.
  const mayFetchAhead = !snapshot.saveData || context.downloadOnMetered
  const isLeftToCloud = manifest.defaultArm === 'cloud' && privacy !== 'prefer-edge'
  const mayDownload =
    privacy !== 'cloud-only' && mayFetchAhead && !isLeftToCloud && snapshot.edge.status !== 'unavailable'
  const isReady = snapshot.edge.status === 'ready'
  const measureReady = () => bringHere(context, manifest, { id, startedAt, isReady })
  if (mayDownload && plan.arm === 'cloud') measureReady()
  if (plan.probe !== undefined) context.clouds.find(({ name }) => name === plan.probe)?.probe()
  const isGivenAway = transfer === true && plan.arm === 'edge'
  const outcome = await runPlan({
    plan: isGivenAway ? withoutOthers(plan) : plan,
    router: isGivenAway
      ? { observe: (_, end) => router.observe(plan, end), settle: () => router.settle(plan) }
      : router,
    attempt: (ref, runSignal) => {
      const begun = ref.arm === 'edge' ? ahead?.take(runSignal) : undefined
      if (begun !== undefined) return begun
      // The endpoint learns this limit and may refuse at once; the signal ends the request a little earlier.
      const leftMs = (leftOf(timeoutMs) ?? Number.POSITIVE_INFINITY) + slackMs
      const cloudTimeoutMs = Math.min(leftMs, silentAfterMs(plan, ref))
      const cloudSlowMs = slowAfterMs(plan, ref)
      return runOnArm(context, { manifest, inputs, privacy, id, transfer, cloudSlowMs, cloudTimeoutMs }, ref, runSignal)
    },
    timers: systemTimers,
    nowMs: () => performance.now(),
    signal,
    mayRetry: !isGivenAway,
  })
  // The run here was overtaken, and its preparation goes on.
  const isOvertaken = outcome.attempts.some(({ arm, result }) => arm === 'edge' && result === 'lost')
  if (plan.arm === 'edge' && isOvertaken) measureReady()
  const { outputs } = outcome.value
  const answer = answerFor(manifest, outputs)
  return {
    outputs: resultTensors(outputs),
    ...given({ answer }),
    route: toRouteRecord({
      id,
      manifest,
      plan,
      known,
      outcome,
      startedAtMs,
      decidedMs,
      prepareMs,
      actualMs: performance.now() - startedAt,
      deadlineMs,
    }),
  }
}

/**
 * Decides where a request runs, runs it there, and on another arm where the first one is slow or fails and that is
 * allowed.
 *
 * @throws {NoArmError} there is no arm, or each one failed
 */
export async function runRequest(context: RequestContext, request: PreparedRequest): Promise<RunResult> {
  const { manifest, inputs, privacy, transfer } = request
  const id = randomId()
  const ahead = startAhead(context, { manifest, inputs, privacy, id, transfer })
  try {
    return await planAndRun(context, request, id, ahead)
  } finally {
    ahead?.drop()
  }
}
