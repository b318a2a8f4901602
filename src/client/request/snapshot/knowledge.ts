import type { Manifest } from '../../../contracts/manifest.ts'
import type { LinkReport } from '../../../contracts/measurements.ts'
import type { Backend, ModelState } from '../../../contracts/model-state.ts'
import type { Privacy, RouteNotice } from '../../../contracts/route.ts'
import { assumeRunMs } from '../../../device/predict-run-ms.ts'
import { modelKey } from '../../../models/manifest/model-key.ts'
import { totalBytesOf } from '../../../models/manifest/total-bytes.ts'
import type { LinkEstimate } from '../../../network/link.ts'
import type { Preparation } from '../../../routing/learning/preparation-learner.ts'
import type { RouteLearner } from '../../../routing/learning/route-learner.ts'
import { type LogNormal, logNormal } from '../../../utils/log-normal.ts'
import type { CloudLink } from '../../cloud/cloud-link.ts'
import type { RequestContext } from './request-context.ts'

/** What is known of this device for one model. */
export interface EdgeKnowledge {
  readonly state: ModelState
  /** Where the model runs, or would run; undefined where it cannot run on this device. */
  readonly backend: Backend | undefined
  /** A run's time until one was measured: from its warm-up, or predicted; undefined where neither is known. */
  readonly prior: LogNormal | undefined
  /** Runs in the model's worker, and how long the first of them has been under way. */
  readonly waiting: number
  readonly busyForMs: number
  /** The warm-up of the model, or a run, was measured. */
  readonly isRunMeasured: boolean
  /** What is left before the model can run. @param runMs what a run is predicted to take */
  readonly prepare: (remainingBytes: number, runMs: number) => Preparation
  readonly times: Pick<RouteLearner, 'edgeTime' | 'edgeUsual'>
}

/** What is known of one endpoint for one model. */
export interface CloudKnowledge extends Pick<CloudLink, 'name' | 'region' | 'moneyPerRequest'> {
  readonly hasModel: boolean | 'unknown'
  /** The part of a request that goes over the wire after compression. */
  readonly wireShare: number
  readonly link: LinkEstimate
  readonly report: LinkReport
  readonly times: Pick<RouteLearner, 'cloudTime' | 'knowsCloud'>
}

/** All that a request's routing rests on, as it is at one moment. */
export interface Knowledge {
  readonly online: boolean
  readonly saveData: boolean
  readonly savePower: boolean
  readonly edge: EdgeKnowledge
  /** The endpoints that may be asked. */
  readonly clouds: readonly CloudKnowledge[]
  /** Why the others may not be asked. */
  readonly closed: readonly RouteNotice[]
}

/** Content-free, but an edge-only request should not even be a reason to call an endpoint, nor know of one. */
const allowedClouds = ({ clouds }: Pick<RequestContext, 'clouds'>, privacy: Privacy) =>
  privacy === 'edge-only' ? [] : clouds

/**
 * Has what is known brought up to date: asks the endpoints for what is not known freshly, starts the poll for notices,
 * and has the links learn from requests that are not answered yet. A request does not wait for the answers.
 *
 * @returns settles when the endpoints have answered, or have not; never rejects
 */
export async function askEndpoints(
  context: Pick<RequestContext, 'clouds' | 'notices'>,
  model: string,
  privacy: Privacy,
): Promise<void> {
  const allowed = allowedClouds(context, privacy)
  if (allowed.length > 0) context.notices.start()
  const open = allowed.filter(({ name }) => context.notices.closed(name) === undefined)
  const asked = open.map((cloud) => cloud.refresh(model))
  for (const { overdue } of open) overdue.teachLink()
  await Promise.all(asked)
}

/** Reads what is known now, and changes nothing of it: no endpoint is asked, no estimate learns. */
export async function readKnowledge(context: RequestContext, manifest: Manifest, privacy: Privacy): Promise<Knowledge> {
  const { watcher, power, notices } = context
  const allowed = allowedClouds(context, privacy)
  const edge = await readEdge(context, manifest, privacy)
  return {
    online: watcher.online,
    saveData: watcher.saveData,
    savePower: power.savePower,
    edge,
    clouds: allowed
      .filter(({ name }) => notices.closed(name) === undefined)
      .map((cloud) => ({
        name: cloud.name,
        region: cloud.region,
        moneyPerRequest: cloud.moneyPerRequest,
        hasModel: cloud.hasModel(manifest.name),
        wireShare: cloud.wireShare(manifest.name),
        link: cloud.link.estimate(),
        report: cloud.link.report(),
        times: cloud.learner,
      })),
    closed: allowed.flatMap(({ name }) => notices.closed(name) ?? []),
  }
}

async function readEdge(context: RequestContext, manifest: Manifest, privacy: Privacy): Promise<EdgeKnowledge> {
  const { edge, edgeModels, learner, clouds, preparations, rates } = context
  // A request that may not run on this device does not wait for it, nor look for its model.
  const mayRun = privacy !== 'cloud-only'
  if (mayRun) await edge.ready(manifest)
  const state: ModelState = mayRun ? await edgeModels.state(manifest) : { status: 'absent' }
  const sources = mayRun && state.status !== 'ready' ? await context.sourcesOf(manifest) : []
  const forecast = edge.forecast(manifest)
  const loaded = edge.loaded(manifest)
  const predictedMs = forecast?.ms
  // Before anything was downloaded from anywhere, the first endpoint's downlink is the nearest thing that was measured.
  const assumedRate = () => clouds[0]?.link.estimate().downlink ?? logNormal(15e6, 1.2)
  return {
    state,
    backend: forecast && (loaded?.backend ?? forecast.backend),
    prior:
      loaded !== undefined
        ? logNormal(loaded.warmupMs + 1, 0.1)
        : predictedMs === undefined
          ? logNormal(assumeRunMs(manifest.complexity.macs), 1)
          : logNormal(predictedMs + 1, 0.5),
    waiting: edge.waiting(manifest),
    busyForMs: edge.busyForMs(manifest),
    isRunMeasured:
      loaded !== undefined || (forecast !== undefined && learner.knowsEdge(modelKey(manifest), forecast.backend)),
    prepare: (remainingBytes, runMs) =>
      preparations.prepare({
        totalBytes: totalBytesOf(manifest),
        remainingBytes,
        runMs,
        loadingForMs: edgeModels.loadingForMs(manifest),
        runtimes: forecast?.runtimes ?? [],
        sources,
        rate: (origin = globalThis.location?.origin ?? '') => rates.rate(origin, assumedRate()),
      }),
    times: learner,
  }
}

/**
 * Brings what is known up to date and reads it, for a request that will run. What a run on this device is assumed to
 * take is kept, so that its first measured time is weighed against it.
 */
export async function refreshKnowledge(
  context: RequestContext,
  manifest: Manifest,
  privacy: Privacy,
): Promise<Knowledge> {
  void askEndpoints(context, manifest.name, privacy)
  context.resources.read()
  const knowledge = await readKnowledge(context, manifest, privacy)
  const { backend, prior } = knowledge.edge
  if (backend !== undefined && prior !== undefined) context.learner.assumeEdge(modelKey(manifest), backend, prior)
  return knowledge
}
