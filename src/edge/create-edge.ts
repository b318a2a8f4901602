import type { Manifest } from '../contracts/manifest.ts'
import type { DeviceReport } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'
import { type BackendSetup, setupId, setupsOf } from '../device/backend-setups.ts'
import { detectThreads } from '../device/detect-threads.ts'
import { defaultMemoryBudget } from '../device/memory-budget.ts'
import { rankSetups, type SetupTime } from '../device/rank-setups.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { ModelError } from '../errors/model-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import type { CrashMarks } from './crash-marks.ts'
import { createDeviceKnowledge, type DeviceMemory } from './device-knowledge.ts'
import { createDeviceProbe, type DeviceMeasures } from './device-probe.ts'
import { createEdgeHosts } from './edge-hosts.ts'
import type { EdgeEngine, EdgeEvents, ReadFiles } from './edge-types.ts'
import { createFitness } from './fitness.ts'
import { holdModels } from './hold-models.ts'
import { createModelSlots, type ModelSlot, toSlot } from './model-slots.ts'
import { moveOver, timeAgain, whenResting } from './move-over.ts'

/** A backend whose graphics device was lost this often is not used until the client is closed. */
const mostLosses = 2

export interface EdgeOptions extends EdgeEvents {
  readonly startWorker: () => Worker
  readonly measures: DeviceMeasures
  /** Backends that may be used. */
  readonly backends: readonly Backend[]
  /** WASM threads; no other count is tried. Default: found out by measuring. */
  readonly threads?: number | undefined
  /** Memory that loaded models may take together. Default: half of the device's, at most 4 GiB. */
  readonly memoryBytes?: number | undefined
  /** Keeps what was measured. Default: it is measured anew at each visit. */
  readonly memory?: DeviceMemory | undefined
  readonly marks: CrashMarks
}

/** A backend that gave a wrong answer, did not load the model or died of it: another one may do. */
const isBackendsFault = (error: unknown): boolean =>
  isHitherError(error) &&
  (error.code === 'model-wrong-answer' || error.code === 'model-load-failed' || error.name === 'EdgeError')

/** The engine of one page: workers, the models in them, and what is known of the device. */
export function createEdge(options: EdgeOptions): EdgeEngine {
  const { startWorker, measures, backends, marks, onDevice, onGone, onMoved } = options
  const threads = options.threads ?? detectThreads()
  const setups = setupsOf(backends, threads, options.threads !== undefined)
  const budgetBytes = options.memoryBytes ?? defaultMemoryBudget()
  const closing = new AbortController()
  const slots = createModelSlots(budgetBytes)
  const knowledge = createDeviceKnowledge(options.memory)
  const losses = new Map<Backend, number>()

  const hosts = createEdgeHosts({
    startWorker,
    onDeath(host) {
      const backend: Backend = host.flavor === 'wasm' ? 'wasm' : 'webgpu'
      losses.set(backend, (losses.get(backend) ?? 0) + 1)
      if (backend === 'webgpu' && (losses.get(backend) ?? 0) >= mostLosses && backends.includes('wasm')) {
        knowledge.quarantine(backend, 'lost')
      }
      slots.dropHost(host)
      onGone?.()
    },
  })

  globalThis.addEventListener?.('pagehide', () => marks.leave(), { signal: closing.signal })

  const report = (): DeviceReport => {
    const newest = slots.newest?.loaded
    return {
      crossOriginIsolated: globalThis.crossOriginIsolated === true,
      hardwareConcurrency: globalThis.navigator?.hardwareConcurrency ?? 1,
      backends: knowledge.measurements,
      ...(newest === undefined ? {} : { chosen: newest.backend }),
      threads: newest?.threads ?? threads,
      memory: { budgetBytes, usedBytes: slots.usedBytes },
      runtimeFiles: hosts.all().flatMap(({ files }) => files),
    }
  }
  const tell = () => {
    if (!closing.signal.aborted) onDevice?.(report())
  }

  const probe = createDeviceProbe({
    setups,
    hosts,
    knowledge,
    measures,
    // A client that wants other backends has not looked for what this one needs.
    device: [
      globalThis.navigator?.userAgent,
      globalThis.navigator?.hardwareConcurrency,
      threads,
      [...backends].sort().join('+'),
    ].join(' | '),
    onMeasured: tell,
  })
  const fitness = createFitness({ backends, budgetBytes, marks, adapter: () => knowledge.adapter })

  const timesOf = (manifest: Manifest): SetupTime[] => {
    const usable = fitness.backendsFor(manifest)
    return setups
      .filter(({ backend }) => usable.includes(backend) && !knowledge.isQuarantined(backend))
      .map((setup) => knowledge.timeOf(setup, modelKey(manifest), manifest.complexity.macs))
  }
  const isAbsent = ({ backend }: BackendSetup) =>
    knowledge.measurements.some((known) => known.backend === backend && known.status === 'absent')
  const ranked = (manifest: Manifest) => rankSetups(timesOf(manifest)).filter((setup) => !isAbsent(setup))

  const unloadSlot = async (slot: ModelSlot) => {
    slots.drop(slot)
    await slot.host.unload(slot.key)
    hosts.sweep()
  }

  const loadOn = async (setup: BackendSetup, manifest: Manifest, readFiles: ReadFiles, serves: boolean) => {
    const key = modelKey(manifest)
    const bytes = fitness.memoryOf(manifest)
    const going = slots.leastUsedFor(bytes, key)
    if (going.length > 0 && !serves) throw new CapabilityError('memory-exhausted', 'There is no room to try it.')
    await Promise.all(going.map(unloadSlot))
    if (going.length > 0) onGone?.()
    const host = hosts.of(setup)
    // What is tried is timed: an earlier visit's time would be held against itself.
    const knownMs = serves ? knowledge.rememberedMs(key, setup) : undefined
    marks.begin(key)
    try {
      host.open().catch(() => {}) // beside reading the files; a failure shows in the load
      const loadReport = await host.load({
        key,
        files: await readFiles(),
        backend: setup.backend,
        inputs: manifest.inputs,
        wire: manifest.wire,
        canary: manifest.canary,
        tolerance: manifest.tolerance.absolute,
        keepOnDevice: manifest.state?.map(({ output }) => output),
        knownMs,
      })
      const warmupMs = loadReport.warmupMs ?? knowledge.timeOf(setup, key, manifest.complexity.macs).ms ?? 0
      const slot = toSlot(manifest, setup, host, { ...loadReport, warmupMs }, bytes, knownMs !== undefined)
      slots.add(slot, serves)
      if (knownMs === undefined && loadReport.warmupMs !== undefined) knowledge.learnWarmup(key, setup, warmupMs)
      return slot
    } finally {
      marks.end(key)
    }
  }

  /** Loads a model where it is predicted to run fastest, or on the next best where a backend fails. */
  const place = async (manifest: Manifest, readFiles: ReadFiles): Promise<ModelSlot> => {
    await probe.measure()
    fitness.check(manifest)
    const tried = new Set<string>()
    const wrong: Backend[] = []
    let failure: unknown
    for (;;) {
      const next = ranked(manifest).find((setup) => !tried.has(setupId(setup)))
      if (next === undefined) break
      tried.add(setupId(next))
      try {
        const slot = await loadOn(next, manifest, readFiles, true)
        // A right answer elsewhere shows that the canary is right and the backend wrong.
        for (const backend of wrong) setAside(backend)
        tell()
        return slot
      } catch (error) {
        if (!isBackendsFault(error)) throw error
        if (isHitherError(error) && error.code === 'model-wrong-answer') wrong.push(next.backend)
        failure = error
      }
    }
    throw (
      failure ??
      new CapabilityError(
        'no-backend',
        'This browser has nothing that can run this model: no WebAssembly and no WebGPU that works.',
      )
    )
  }

  /** A backend that answers wrongly runs nothing any more: the models on it are loaded elsewhere when they are needed. */
  const setAside = (backend: Backend) => {
    knowledge.quarantine(backend, 'wrong')
    for (const host of hosts.all()) {
      if (backend !== 'wasm' && host.flavor !== 'wasm') {
        host.terminate(new ModelError('model-wrong-answer', 'This backend gives wrong answers, so it is not used.'))
      }
    }
  }

  const settle = async (manifest: Manifest, readFiles: ReadFiles) => {
    const key = modelKey(manifest)
    await whenResting(() => hosts.all().some(({ waiting }) => waiting > 0), closing.signal)
    const slot = slots.find(key)
    if (slot?.isRemembered) await timeAgain(slot, knowledge).catch(() => {})
    await probe.measureRest()
    await moveOver({
      serving: () => slots.find(key),
      times: () => timesOf(manifest).filter(({ setup }) => !isAbsent(setup)),
      tryOn: (setup) => loadOn(setup, manifest, readFiles, false),
      moveTo(slot) {
        slots.add(slot, true)
        onMoved?.({ manifest, loaded: slot.loaded })
        tell()
      },
      unload: unloadSlot,
      signal: closing.signal,
    })
  }

  const loads = new Map<string, Promise<ModelSlot>>()
  const load = (manifest: Manifest, readFiles: ReadFiles): Promise<ModelSlot> => {
    const key = modelKey(manifest)
    const alive = slots.find(key)
    if (alive !== undefined) return Promise.resolve(alive)
    const loading = loads.get(key) ?? place(manifest, readFiles).finally(() => loads.delete(key))
    if (!loads.has(key)) {
      loads.set(key, loading)
      loading.then(() => settle(manifest, readFiles)).catch(() => {}) // where it is, it answers
    }
    return loading
  }

  const slotOf = (manifest: Manifest): ModelSlot => {
    const slot = slots.find(modelKey(manifest))
    if (slot === undefined) throw new ModelError('model-load-failed', 'The model is not loaded on this device.')
    slot.usedAt = performance.now()
    return slot
  }

  return {
    ready: () => probe.ready(),
    async measure(again = false) {
      await (again ? probe.measureAgain() : probe.measure())
      return knowledge.measurements
    },
    async check(manifest) {
      await probe.ready()
      fitness.check(manifest)
    },
    async anticipate(manifest) {
      await probe.ready()
      const usual = knowledge.usual(setups)
      const likely = manifest === undefined ? usual : (ranked(manifest)[0] ?? usual)
      // A failure shows when the model is loaded.
      if (likely === undefined || closing.signal.aborted) return
      await hosts
        .of(likely)
        .open()
        .catch(() => {})
      // Where no model comes, the runtime goes again.
      if (manifest === undefined) hosts.sweep()
    },
    load: async (manifest, readFiles) => (await load(manifest, readFiles)).loaded,
    loaded: (manifest) => slots.find(modelKey(manifest))?.loaded,
    async run(manifest, inputs, runOptions) {
      const { host, key, loaded } = slotOf(manifest)
      const startedAt = performance.now()
      const run = await host.run(key, inputs, runOptions)
      return { ...run, backend: loaded.backend, totalMs: performance.now() - startedAt }
    },
    hold: (plan, readFiles) => holdModels(plan, { slots, load, loadOn }, readFiles),
    waiting: (manifest) => slots.find(modelKey(manifest))?.host.waiting ?? 0,
    busyForMs: (manifest) => slots.find(modelKey(manifest))?.host.busyForMs ?? 0,
    async unload(manifest) {
      marks.forgive(modelKey(manifest))
      await Promise.all(slots.of(modelKey(manifest)).map(unloadSlot))
    },
    forecast(manifest) {
      const slot = slots.find(modelKey(manifest))
      if (slot !== undefined) return { backend: slot.loaded.backend, ms: slot.loaded.warmupMs }
      if (fitness.isSetAside(manifest)) return undefined
      const [best] = ranked(manifest)
      // Before the adapter was asked for, what needs one is not yet known to lack it.
      if (best === undefined) return probe.isReady || backends[0] === undefined ? undefined : { backend: backends[0] }
      return { backend: best.backend, ms: knowledge.timeOf(best, modelKey(manifest), manifest.complexity.macs).ms }
    },
    report,
    close() {
      if (closing.signal.aborted) return
      const reason = new DOMException('The client was closed.', 'AbortError')
      closing.abort(reason)
      marks.leave()
      hosts.closeAll(reason)
      slots.clear()
    },
  }
}
