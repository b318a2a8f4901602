import type { RouteRecord } from '../contracts/route.ts'
import { lazy } from '../utils/lazy.ts'
import { lazyPart } from '../utils/lazy-part.ts'
import { assembleParts, type ClientPlatform } from './assemble-parts.ts'
import { createRunModel } from './create-run-model.ts'
import { deferWriting } from './generate/defer-writing.ts'
import { createModelsApi } from './models/models-api.ts'
import { type ClientSettings, toRequestPolicy } from './options/client-settings.ts'
import { parseRunOptions } from './options/parse-run-options.ts'
import { createTaskApi } from './tasks/task-api.ts'
import type { Client } from './types/client-types.ts'

/** A client on a platform. @see createClient */
export function assembleClient(settings: ClientSettings, platform: ClientPlatform): Client {
  const parts = assembleParts(settings, platform)
  const { background, edge, edgeModels, pipeline, updates, outbox, watcher, events, routes } = parts
  const { closing, bounded, isFirst, anticipate, open, link, close } = parts
  const { policy, storage } = settings
  const sessions = lazyPart('opens sessions', () => import('./session/open-session.ts'))

  const generating = lazyPart('writes text', () => import('./generate/generate.ts'))
  const answered = (model: string, route: RouteRecord) => {
    events.emit('route', routes.add(route))
    if (route.ran === 'cloud') events.emit('link', link())
    if (storage.autoUpdate === false || (watcher.saveData && !storage.downloadOnMetered)) return
    void updates
      .get()
      .then(({ follow }) => follow(model))
      .catch(() => {})
  }
  const runModel = createRunModel({
    pipeline,
    policy,
    bounded,
    anticipate(model, privacy) {
      if (!isFirst()) return
      if (privacy !== 'cloud-only') void edge.anticipate()
      // Kept for a moment, so that the request finds it when the pipeline asks.
      background.manifest(model).catch(() => {})
    },
    outbox,
    onAnswered: (model, { route }) => answered(model, route),
  })
  const run: Client['run'] = async (model, inputs, runOptions) => {
    const { manifest: _, ...result } = await runModel(model, runOptions, (manifest) =>
      pipeline.toTensors(manifest, inputs, background),
    )
    return result
  }

  const writer = lazy(async () => {
    const [{ openTextWriter }, opened] = await Promise.all([generating.get(), pipeline.get()])
    return openTextWriter({
      ...{ edge, edgeModels, background, policy, open, closing },
      pipeline: opened,
      onAnswered(route, privacy) {
        outbox.answered(route, undefined, privacy)
        answered(route.model, route)
      },
      onFailed: outbox.failed,
    })
  })
  const generate: Client['generate'] = (model, input, options = {}) =>
    deferWriting(async () => {
      if (isFirst()) void edge.anticipate()
      return (await writer.get()).generate(model, input, options)
    })
  return {
    run,
    generate,
    task: createTaskApi({ runModel, run, generate, background, open, anticipate }),

    async prepare(model, { signal } = {}) {
      signal?.throwIfAborted()
      if (isFirst()) void edge.anticipate()
      await open()
      await edgeModels.prepare(await background.manifest(model), { signal: bounded(signal) })
    },

    async openSession(session, { signal } = {}) {
      signal?.throwIfAborted()
      await open()
      const [{ openSession }, { learner }] = await Promise.all([sessions.get(), pipeline.get()])
      const sessionParts = { edge, edgeModels, background, learner, closing }
      return openSession(sessionParts, session, bounded(signal))
    },

    async explain(model, explainOptions = {}) {
      const requestPolicy = toRequestPolicy(policy, parseRunOptions(explainOptions))
      await open()
      const manifest = await background.manifest(model)
      return (await (manifest.generation ? writer : pipeline).get()).explain(manifest, requestPolicy)
    },

    async refresh(model, refreshOptions = {}) {
      const { privacy } = toRequestPolicy(policy, parseRunOptions(refreshOptions))
      await open()
      const askWriters = async () => {
        const manifest = await background.manifest(model)
        if (manifest.generation) await (await writer.get()).refresh(manifest, privacy)
      }
      await Promise.all([pipeline.use(({ refresh }) => refresh(model, privacy)), askWriters().catch(() => {})])
    },

    models: createModelsApi({
      background,
      edgeModels,
      updates,
      open,
      budgetBytes: storage.budgetBytes,
      closing,
    }),

    outbox: outbox.api,
    device: () => edge.report(),
    async measure() {
      await open()
      await Promise.all([edge.measure(true), pipeline.use(({ measureLinks }) => measureLinks())])
    },
    link,
    routes,
    notices: () => pipeline.peek()?.notices() ?? [],
    on: (event, listener) => events.on(event, listener),

    close: async () => close(),
  }
}
