import { mayBeHither } from '../../cloud/may-be-hither.ts'
import type { Manifest } from '../../contracts/manifest.ts'
import type { LinkReport } from '../../contracts/measurements.ts'
import type { Notice } from '../../contracts/notice.ts'
import type { Privacy } from '../../contracts/route.ts'
import type { PowerWatcher } from '../../device/power-watcher.ts'
import type { EdgeEngine, LoadedModel, RuntimeProgress } from '../../edge/edge-types.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import { totalBytesOf } from '../../models/manifest/total-bytes.ts'
import type { Traffic } from '../../models/transfer/traffic-meter.ts'
import { createDownloadRates } from '../../network/download-rates.ts'
import type { NetworkWatcher } from '../../network/network-watcher.ts'
import type { SimulatedNetwork } from '../../network/simulated-network.ts'
import { watchResources } from '../../network/watch-resources.ts'
import { createRouter } from '../../routing/deciding/create-router.ts'
import { createPreparationLearner } from '../../routing/learning/preparation-learner.ts'
import { createRouteLearner, type RouteLearner } from '../../routing/learning/route-learner.ts'
import type { Spending } from '../../routing/router-types.ts'
import { logNormal } from '../../utils/log-normal.ts'
import type { Background } from '../background/create-background.ts'
import { createCloudLink } from '../cloud/cloud-link.ts'
import type { EdgeModels } from '../edge/edge-models.ts'
import { createNotices } from '../notices/notices.ts'
import type { Budgets, EndpointOptions } from '../types/client-options.ts'
import type { RouteExplanation } from '../types/client-types.ts'
import { answer, type ClientRequest } from './answer.ts'
import { explainRequest } from './explain-request.ts'
import { holdSources } from './hold-sources.ts'
import { keepMeasurements } from './keep-measurements.ts'
import { knowWriting, type WritingKnowledge } from './know-writing.ts'
import { learnRuntime } from './learn-runtime.ts'
import type { ModelRun } from './model-run.ts'
import { toRouterPolicy } from './router-policy.ts'
import { askEndpoints } from './snapshot/knowledge.ts'
import type { RequestContext } from './snapshot/request-context.ts'

export { toTensors } from './tensors/to-tensors.ts'

export interface PipelineOptions {
  readonly endpoints: readonly EndpointOptions[]
  readonly budgets: Budgets | undefined
  /** A network to pretend, for the endpoints. */
  readonly network: SimulatedNetwork | undefined
  readonly downloadOnMetered: boolean
  /** Keep what is measured for the next visit. */
  readonly keepsMeasurements: boolean
  readonly background: Background
  readonly edge: EdgeEngine
  readonly edgeModels: EdgeModels
  readonly watcher: NetworkWatcher
  readonly power: PowerWatcher
  /** @see AnswerParts.open */
  readonly open: () => Promise<void>
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal
  /** The link to the first endpoint was measured, or an earlier visit's measurements are restored. */
  readonly onLink: (report: LinkReport) => void
  readonly onNotices: (notices: readonly Notice[]) => void
  /** @see RequestContext.onEdgeReady */
  readonly onEdgeReady: (requestId: string, ms: number) => void
}

/** What texts are written with: their own part of the page decides and writes. */
export interface WritingParts {
  readonly endpoints: readonly EndpointOptions[]
  /** A network that is pretended; undefined: the browser's. */
  readonly fetch: typeof globalThis.fetch | undefined
  readonly budgets: Budgets | undefined
  /** The budgets of money and energy, which texts share with all other requests. */
  readonly spending: Spending
  readonly keepsMeasurements: boolean
  readonly downloadOnMetered: boolean
  readonly watcher: NetworkWatcher
  readonly power: PowerWatcher
  /** @see knowWriting */
  know(manifest: Manifest, privacy: Privacy, asks: boolean): Promise<WritingKnowledge>
}

/** All that runs requests and explains them: the endpoints, the router, what is learned, and the way between. */
export interface Pipeline {
  /** Times of runs on this device. */
  readonly learner: RouteLearner
  /** The link to the first endpoint; undefined without one. */
  link(): LinkReport | undefined
  notices(): readonly Notice[]
  /** @see answer */
  answer(request: ClientRequest): Promise<ModelRun>
  /** @see explainRequest */
  explain(
    manifest: Manifest,
    policy: { readonly privacy: Privacy; readonly deadlineMs?: number | undefined },
  ): Promise<RouteExplanation>
  /** What writing texts takes beside the request itself. */
  readonly writing: WritingParts
  /** @see askEndpoints */
  refresh(model: string, privacy: Privacy): Promise<void>
  /** Measures the link to each endpoint now. Never rejects. */
  measureLinks(): Promise<void>
  /** A model was loaded. @param loadMs undefined where it was loaded while it answered elsewhere */
  learnLoaded(manifest: Manifest, loaded: LoadedModel, loadMs: number | undefined): void
  /** A model's files were fetched. */
  learnInstalled(manifest: Manifest, installed: { readonly bytes: number; readonly ms: number }): void
  /** Bytes of models came from a server. */
  learnTraffic(traffic: Traffic): void
  /** A runtime was fetched and compiled. */
  learnRuntime(progress: RuntimeProgress): void
  /** The device may be on another network now. */
  networkChanged(): void
  /** False where the first endpoint is known not to take reports. */
  mayTakeReports(): Promise<boolean>
}

/** Puts the pipeline together, and restores what an earlier visit measured. */
export async function openPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { endpoints, network, watcher, power, background, edge, edgeModels, closing, onLink, onNotices } = options
  closing.throwIfAborted()
  const fetch =
    network &&
    (await import('../../network/simulated-network.ts')).shapeFetch((...args) => globalThis.fetch(...args), network)
  const link = () => clouds[0]?.link.report()
  const tellLink = () => {
    const report = link()
    if (report !== undefined) onLink(report)
  }
  // A server of OpenAI's API alone writes texts and nothing else.
  const clouds = endpoints
    .filter(({ kind }) => kind !== 'openai')
    .map((endpoint) => createCloudLink(endpoint, watcher, tellLink, fetch))
  const notices = createNotices({ clouds, watcher, background, edgeModels, onChange: onNotices })
  const learner = createRouteLearner()
  const router = createRouter({ policy: toRouterPolicy(options.budgets) })
  const preparations = createPreparationLearner()
  const rates = createDownloadRates()
  // On a pretended network, the page's own files say nothing of what its models are to be fetched over.
  const resources = network === undefined ? watchResources(rates.observe) : { read() {} }
  const sources = holdSources(background)
  const context: RequestContext = {
    edge,
    edgeModels,
    clouds,
    notices,
    learner,
    preparations,
    rates,
    resources,
    sourcesOf: sources,
    onEdgeReady: options.onEdgeReady,
    router,
    watcher,
    power,
    unpackInputs: background.unpackInputs,
    downloadOnMetered: options.downloadOnMetered,
  }
  const measurements = options.keepsMeasurements
    ? keepMeasurements(background, { learner, preparations, rates, router, clouds })
    : undefined
  const parts = { context, background, open: options.open }
  const close = () => {
    measurements?.close()
    notices.close()
  }
  closing.addEventListener('abort', close, { once: true })
  await measurements?.restored
  closing.throwIfAborted()
  resources.read()
  if ((link()?.samples ?? 0) > 0) tellLink()

  return {
    learner,
    link,
    notices: notices.current,
    async answer(request) {
      try {
        const run = await answer(parts, request)
        measurements?.save()
        return run
      } catch (error) {
        // A withdrawn model fails before routing, so nothing else would start the poll that could lift the withdrawal.
        if (request.privacy !== 'edge-only') notices.start()
        throw error
      }
    },
    explain: (manifest, policy) => explainRequest(context, manifest, policy),
    writing: {
      ...{ endpoints, fetch, watcher, power },
      budgets: options.budgets,
      spending: router,
      keepsMeasurements: options.keepsMeasurements,
      downloadOnMetered: options.downloadOnMetered,
      know: (manifest, privacy, asks) => knowWriting(context, manifest, privacy, asks),
    },
    refresh: (model, privacy) => askEndpoints(context, model, privacy),
    async measureLinks() {
      await Promise.all(clouds.map((cloud) => cloud.measure()))
    },
    learnLoaded(manifest, { backend, warmupMs, loadMs: ownMs, foretoldMs = warmupMs }, loadMs) {
      learner.assumeEdge(modelKey(manifest), backend, logNormal(warmupMs + 1, 0.1))
      if (loadMs === undefined) return
      // Where the engine does not say what of it was the runtime's, all of it was the model's.
      const ms = ownMs ?? loadMs
      learner.observeLoad(modelKey(manifest), backend, ms)
      // By what a run was predicted to take, as the next model's load will be: so its error is learned, too.
      preparations.observeLoad({ totalBytes: totalBytesOf(manifest), runMs: foretoldMs, ms })
      measurements?.save()
    },
    async learnInstalled(manifest, { bytes, ms }) {
      const [source] = await sources(manifest)
      if (source !== undefined) preparations.observeInstall({ bytes, ms, rate: rates.rate(source.origin).rate })
    },
    learnTraffic(traffic) {
      rates.observe({ ...traffic, kind: 'download' })
      measurements?.save()
    },
    learnRuntime: (progress) => learnRuntime(progress, { preparations, ...(network === undefined ? { rates } : {}) }),
    networkChanged() {
      for (const { link } of clouds) link.networkChanged()
      rates.networkChanged()
    },
    mayTakeReports: async () => clouds[0] !== undefined && mayBeHither(clouds[0].arm),
  }
}
