import { toBaseUrl } from '../cloud/base-url.ts'
import { mayBeHither } from '../cloud/may-be-hither.ts'
import type { Manifest } from '../contracts/manifest.ts'
import { createPowerWatcher } from '../device/power-watcher.ts'
import { ConfigError } from '../errors/config-error.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { NoArmError } from '../errors/no-arm-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import { createNetworkWatcher } from '../network/network-watcher.ts'
import { pretendWatcher } from '../network/pretend-watcher.ts'
import { createRouter } from '../routing/deciding/create-router.ts'
import { createRouteLearner } from '../routing/learning/route-learner.ts'
import { abortable } from '../utils/abortable.ts'
import { createEmitter } from '../utils/emitter.ts'
import { logNormal } from '../utils/log-normal.ts'
import { startApproved } from '../utils/trusted-scripts.ts'
import { withDeadline } from '../utils/with-deadline.ts'
import { toBackgroundSettings } from './background/background-settings.ts'
import { createBackground } from './background/create-background.ts'
import { keepManifests } from './background/manifest-cache.ts'
import { createClientOutbox } from './client-outbox.ts'
import { createCloudLink } from './cloud/cloud-link.ts'
import { createClientEdge } from './edge/client-edge.ts'
import { createEdgeModels } from './edge/edge-models.ts'
import { slowEdge } from './edge/slow-edge.ts'
import { createLazyUpdates } from './models/lazy-updates.ts'
import { createModelsApi } from './models/models-api.ts'
import { createClientNotices } from './notices/client-notices.ts'
import { parseClientOptions, parseRunOptions } from './options/parse-client-options.ts'
import { toUrl } from './options/to-url.ts'
import { pretendFetch } from './pretend-fetch.ts'
import type { Asked } from './request/cascade.ts'
import { createMemory } from './request/keep-measurements.ts'
import { createAnsweringLoader } from './request/load-answering.ts'
import type { RequestParts } from './request/request-context.ts'
import { toRouterPolicy } from './request/router-policy.ts'
import { createRoutesLog } from './routes-log.ts'
import { type AskModel, createTaskApi } from './tasks/task-api.ts'
import type { ClientOptions } from './types/client-options.ts'
import type { Client, ClientEvents } from './types/client-types.ts'

/** Bundlers find the workers by these very expressions: each becomes a file of its own, from this origin. */
const startEdgeWorker = () =>
  startApproved(
    () =>
      new Worker(new URL('../edge/worker/edge.worker.js', import.meta.url), { type: 'module', name: 'hither-edge' }),
  )
const startBackgroundWorker = () =>
  startApproved(
    () =>
      new Worker(new URL('./background/worker/background.worker.js', import.meta.url), {
        type: 'module',
        name: 'hither-background',
      }),
  )

/** Fetched when the first small model has answered; where that fails, its answer stands. */
const loadCascade = () => import('./request/ask-larger-model.ts').catch(() => undefined)

/**
 * Creates a client: runs models on this device when here is faster, on the endpoint when it is not.
 *
 * Nothing is fetched and no worker is started before the first call.
 *
 * @example
 * ```ts
 * const client = createClient({ endpoint: { url: 'https://infer.example.com' } })
 * const { answer, route } = await client.run('digits', { image: canvas })
 * console.log(answer?.label, route.ran, route.why)
 * ```
 *
 * @throws {ConfigError} `config-invalid`: an option is not what it should be
 */
export function createClient(options: ClientOptions = {}): Client {
  const {
    catalog = '/models/catalog.json',
    endpoint,
    policy = {},
    runtime = {},
    storage = {},
    saveData = false,
    simulate,
    report = 'routes',
  } = parseClientOptions(options)
  const catalogUrl = toUrl(catalog, 'catalog')
  const endpoints = endpoint === undefined ? [] : [endpoint].flat()
  for (const { url } of endpoints) toUrl(url, 'endpoint.url')
  const { budgets, ...defaults } = policy

  const events = createEmitter<ClientEvents>()
  const reportMode = simulate === undefined ? report : 'none'
  const fetch = simulate?.network && pretendFetch(simulate.network)
  const watcher = pretendWatcher(createNetworkWatcher(), { offline: simulate?.network === 'offline', saveData })
  const background = keepManifests(
    createBackground(startBackgroundWorker, ...toBackgroundSettings(catalogUrl, runtime, storage, simulate?.network)),
  )
  const learner = createRouteLearner()
  const power = createPowerWatcher()
  const clouds = endpoints.map((each) => createCloudLink(each, watcher, () => events.emit('link', linkReport()), fetch))
  const ownEdge = createClientEdge(runtime, {
    startWorker: startEdgeWorker,
    background,
    onDevice: () => events.emit('device', edge.report()),
    onGone: () => edgeModels.refresh(),
    onMoved: ({ manifest, loaded }) => edgeModels.moved(manifest, loaded),
  })
  const edge = simulate?.slowdown === undefined ? ownEdge : slowEdge(ownEdge, simulate.slowdown)
  const edgeModels = createEdgeModels({
    background,
    edge,
    onState: (model, state) => events.emit('state', { model, state }),
    onProgress: (model, progress) => events.emit('progress', { model, ...progress }),
    onLoaded(manifest, { backend, warmupMs }, loadMs) {
      learner.assumeEdge(modelKey(manifest), backend, logNormal(warmupMs + 1, 0.1))
      if (loadMs !== undefined) learner.observeLoad(modelKey(manifest), backend, loadMs)
    },
  })
  const notices = createClientNotices({
    clouds,
    watcher,
    background,
    edgeModels,
    onChange: (current) => events.emit('notices', current),
  })
  const parts: RequestParts = {
    edge,
    edgeModels,
    clouds,
    notices,
    learner,
    router: createRouter({ policy: toRouterPolicy(budgets) }),
    watcher,
    power,
    unpackInputs: background.unpackInputs,
    downloadOnMetered: storage.downloadOnMetered === true,
  }
  const routes = createRoutesLog()
  const updates = createLazyUpdates({ background, edge, edgeModels })

  const outbox = createClientOutbox({
    mode: reportMode,
    // Reports go to the first endpoint.
    baseUrl: endpoints[0] && toBaseUrl(new URL(endpoints[0].url, globalThis.location?.href)),
    token: endpoints[0]?.token,
    wanted: async () => clouds[0] !== undefined && mayBeHither(clouds[0].arm),
    watcher,
    adapter: () => edge.report().backends.find(({ backend }) => backend === 'webgpu')?.detail,
    onState: (state) => events.emit('outbox', state),
  })

  const closing = new AbortController()
  const loadAnswering = createAnsweringLoader()
  const linkReport = () =>
    clouds[0]?.link.report() ?? { online: watcher.online, saveData: watcher.saveData, samples: 0 }
  let memory: ReturnType<typeof createMemory> | undefined
  const stopWatching = watcher.onChange(({ networkChanged }) => {
    if (networkChanged) for (const { link } of clouds) link.networkChanged()
    events.emit('link', linkReport())
  })

  let isOpen = false
  const open = async () => {
    if (closing.signal.aborted) throw closing.signal.reason
    if (isOpen) return
    if (simulate === undefined) memory ??= createMemory(background, parts)
    power.start()
    await Promise.all([memory?.restored, edge.ready()])
    isOpen = true
  }

  const ask: AskModel = async (model, runOptions = {}, prepare) => {
    const startedAt = performance.now()
    const startedAtMs = Date.now()
    const { signal, transfer, cascade = true, ...own } = parseRunOptions(runOptions)
    const { privacy = 'any', timeoutMs, deadlineMs = timeoutMs } = { ...defaults, ...own }
    let held: Asked | undefined
    signal?.throwIfAborted()
    if (memory === undefined && privacy !== 'cloud-only') void edge.anticipate()
    // What runs a request is fetched while the first one is prepared: a page shows without it.
    const answering = loadAnswering()
    answering.catch(() => {}) // told where it is awaited
    const asked = await withDeadline(
      (bounded) => {
        const runWith = async (manifest: Manifest): Promise<Asked> => {
          const from = held === undefined ? startedAt : performance.now()
          const tensors = await prepare(manifest, bounded)
          bounded.throwIfAborted()
          const prepareMs = performance.now() - from
          const limits = { privacy, deadlineMs, timeoutMs, signal: bounded, startedAt, startedAtMs }
          const request = { manifest, inputs: tensors, prepareMs, transfer, ...limits }
          const { runRequest } = await answering
          return { ...(await runRequest(parts, request)), manifest }
        }
        const answer = async () => {
          // Within the request's time, which counts from its start.
          await open()
          const manifest = await background.manifest(model).catch(async (error: unknown) => {
            throw (await answering).whyNoManifest(error, watcher.online, privacy)
          })
          held = await runWith(manifest)
          if (held.manifest.cascade === undefined || !cascade || transfer === true) return held
          const leftMs = () => deadlineMs && deadlineMs - (performance.now() - startedAt)
          const larger = { parts, background, privacy, run: runWith, leftMs }
          return (await loadCascade())?.askLargerModel(held, larger) ?? held
        }
        return abortable(answer(), bounded)
      },
      {
        ms: timeoutMs,
        signal: signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]),
        onDeadline: () =>
          new NoArmError('deadline-exceeded', `No answer came within ${timeoutMs} ms. Try again, or allow more time.`),
      },
    ).catch(async (error: unknown) => {
      // The time is over while the larger model is asked: the small one's answer is there.
      if (held !== undefined && isHitherError(error) && error.code === 'deadline-exceeded') {
        return (await loadCascade())?.keptInTime(held) ?? held
      }
      // Of a model that an earlier visit heard to be withdrawn, nothing else would ask whether it still is.
      if (privacy !== 'edge-only') notices.start()
      outbox.failed(error, { model, privacy, startedAtMs, actualMs: performance.now() - startedAt })
      throw error
    })
    memory?.save()
    outbox.answered(asked.route, asked.answer, privacy)
    routes.add(asked.route)
    events.emit('route', asked.route)
    if (asked.route.ran === 'cloud') events.emit('link', linkReport())
    if (storage.autoUpdate !== false && (!watcher.saveData || parts.downloadOnMetered)) void updates.follow(model)
    return asked
  }

  return {
    async run(model, inputs, runOptions) {
      const { manifest: _, ...result } = await ask(model, runOptions, async (manifest) =>
        (await loadAnswering()).toTensors(manifest, inputs, background),
      )
      return result
    },

    task: createTaskApi({ ask, background, open }),

    async prepare(model, { signal } = {}) {
      signal?.throwIfAborted()
      if (memory === undefined) void edge.anticipate()
      await open()
      await edgeModels.prepare(await background.manifest(model), {
        signal: signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]),
      })
    },

    async openSession(session, { signal } = {}) {
      signal?.throwIfAborted()
      await open()
      const bounded = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal])
      const { openSession } = await import('./session/open-session.ts')
      return openSession({ edge, edgeModels, background, learner, closing: closing.signal }, session, bounded)
    },

    async explain(model, explainOptions = {}) {
      const { privacy = 'any', timeoutMs, deadlineMs = timeoutMs } = { ...defaults, ...parseRunOptions(explainOptions) }
      await open()
      const manifest = await background.manifest(model)
      return (await loadAnswering()).explainRequest(parts, manifest, { privacy, deadlineMs })
    },

    models: createModelsApi({
      background,
      edgeModels,
      updates,
      open,
      budgetBytes: storage.budgetBytes,
      closing: closing.signal,
    }),

    outbox: outbox.api,
    device: () => edge.report(),
    async measure() {
      await open()
      await Promise.all([edge.measure(true), ...clouds.map((cloud) => cloud.measure())])
    },
    link: linkReport,
    routes,
    notices: () => notices.current(),
    on: (event, listener) => events.on(event, listener),

    async close() {
      if (closing.signal.aborted) return
      const reason = new ConfigError('client-closed', 'The client was closed.')
      closing.abort(reason)
      stopWatching()
      memory?.close()
      power.stop()
      outbox.close()
      notices.close()
      edge.close()
      background.terminate(reason)
      events.clear()
    },
  }
}
