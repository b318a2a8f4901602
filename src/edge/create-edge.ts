import type { Manifest } from '../contracts/manifest.ts'
import type { DeviceReport } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'
import { type BackendSetup, measurementOf, setupId, setupsOf } from '../device/backend-setups.ts'
import { detectThreads } from '../device/detect-threads.ts'
import { defaultMemoryBudget } from '../device/memory-budget.ts'
import { ModelError } from '../errors/model-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import type { CrashMarks } from './crash-marks.ts'
import { createDeviceKnowledge, type DeviceMemory } from './device-knowledge.ts'
import { createDeviceProbe, type DeviceMeasures } from './device-probe.ts'
import { noDevice } from './device-report.ts'
import { isRunFailure } from './edge-host.ts'
import { createEdgeHosts } from './edge-hosts.ts'
import type { EdgeEngine, EdgeEvents, NeededRuntime } from './edge-types.ts'
import { createFitness } from './fitness.ts'
import { holdModels } from './hold-models.ts'
import { createLossCount } from './loss-count.ts'
import { createModelLoader } from './model-loader.ts'
import { createModelPlacement } from './model-placement.ts'
import { createModelSlots, type ModelSlot } from './model-slots.ts'
import { createModelTrust } from './model-trust.ts'

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

/** An engine that was closed stores nothing more: the tab that leads after it stores what it knows at the same place. */
const writableUntil = (closing: AbortSignal, { read, write }: DeviceMemory): DeviceMemory => ({
  read,
  write: async (value) => (closing.aborted ? undefined : write(value)),
})

/** Names what a measurement is valid for: a client with other backends has not probed what this one needs. */
const describeDevice = (threads: number, backends: readonly Backend[]): string =>
  [
    globalThis.navigator?.userAgent,
    globalThis.navigator?.hardwareConcurrency,
    threads,
    [...backends].sort().join('+'),
  ].join(' | ')

/** The engine of one page: workers, the models in them, and what is known of the device. */
export function createEdge(options: EdgeOptions): EdgeEngine {
  const { startWorker, measures, backends, marks, onDevice, onGone, onMoved, onRuntime } = options
  const threads = options.threads ?? detectThreads()
  const setups = setupsOf(backends, threads, options.threads !== undefined)
  const budgetBytes = options.memoryBytes ?? defaultMemoryBudget()
  const closing = new AbortController()
  const slots = createModelSlots(budgetBytes)
  const knowledge = createDeviceKnowledge(options.memory && writableUntil(closing.signal, options.memory))
  const onLoss = createLossCount(backends, knowledge)

  const hosts = createEdgeHosts({
    startWorker,
    onRuntime: onRuntime,
    onDeath(host, reason) {
      // A worker that was ended because of a run's own failure says nothing of the graphics processor.
      if (!isRunFailure(reason.cause)) onLoss(host)
      slots.dropHost(host)
      onGone?.()
    },
  })

  globalThis.addEventListener?.('pagehide', () => marks.leave(), { signal: closing.signal })

  const report = (): DeviceReport => {
    const newest = slots.newest?.loaded
    return {
      ...noDevice(),
      backends: knowledge.measurements,
      ...(newest === undefined ? {} : { chosen: newest.backend }),
      threads: newest?.threads ?? threads,
      memory: { budgetBytes, usedBytes: slots.usedBytes },
      runtimeFiles: hosts.all().flatMap(({ files }) => files),
    }
  }
  const reportDevice = () => {
    if (!closing.signal.aborted) onDevice?.(report())
  }

  const probe = createDeviceProbe({
    setups,
    hosts,
    knowledge,
    measures,
    device: describeDevice(threads, backends),
    onMeasured: reportDevice,
  })
  const fitness = createFitness({ backends, budgetBytes, marks, adapter: () => knowledge.adapter })
  const engine = { setups, slots, hosts, knowledge, probe, fitness, marks, onGone, onMoved, closing: closing.signal }
  const loader = createModelLoader(engine)
  const hasOthers = setups.some(({ backend }) => backend !== 'wasm') && backends.includes('wasm')
  const trust = createModelTrust({ slots, knowledge, loader, hasOthers })
  const placement = createModelPlacement({ ...engine, loader, trust, onPlaced: reportDevice })

  /**
   * A model without a canary failed on another backend than WASM: its inputs may be at fault, or that backend. It runs on
   * WASM from now on, until the client is closed.
   */
  const giveUpUnsure = async (slot: ModelSlot) => {
    if (slot.setup.backend === 'wasm' || slot.manifest.canary !== undefined || slot.pins > 0) return
    if (!placement.ranked(slot.manifest).some(({ backend }) => backend === 'wasm')) return
    knowledge.avoid(slot.key, slot.setup.backend)
    await loader.unload(slot)
    onGone?.()
  }

  /** The runtime that the setup runs in, and before it the one that WASM is still to be measured in. */
  const runtimesFor = (setup: BackendSetup): NeededRuntime[] => {
    const measuring = setups.find(({ backend }) => backend === 'wasm')
    const own = { ...hosts.runtimeOf(setup), comesFirst: false }
    if (measuring === undefined || measurementOf(knowledge.measurements, measuring) !== undefined) return [own]
    const first = { ...hosts.runtimeOf(measuring), comesFirst: true }
    return setupId(measuring) === setupId(setup) ? [first] : [first, own]
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
    async check(manifest, wantedTokens) {
      await probe.ready()
      fitness.check(manifest, wantedTokens)
    },
    async anticipate(manifest) {
      await probe.ready()
      const usual = knowledge.usual(setups)
      const likely = manifest === undefined ? usual : (placement.ranked(manifest)[0] ?? usual)
      // A failure shows when the model is loaded.
      if (likely === undefined || closing.signal.aborted) return
      await hosts
        .of(likely)
        .open()
        .catch(() => {})
      // Where no model comes, the runtime goes again.
      if (manifest === undefined) hosts.sweep()
    },
    load: async (manifest, readFiles) => (await placement.place(manifest, readFiles)).loaded,
    loaded: (manifest) => slots.find(modelKey(manifest))?.loaded,
    async run(manifest, inputs, runOptions) {
      const slot = slotOf(manifest)
      const { host, key, loaded } = slot
      const startedAt = performance.now()
      const sample = trust.sampleOf(slot, inputs)
      try {
        const run = await host.run(key, inputs, runOptions)
        if (sample !== undefined) placement.learnSample(slot, sample)
        return { ...run, backend: loaded.backend, totalMs: performance.now() - startedAt }
      } catch (error) {
        if (isRunFailure(error)) await giveUpUnsure(slot)
        throw error
      }
    },
    async write(manifest, request, writeOptions) {
      const slot = slotOf(manifest)
      slot.pins += 1
      try {
        return await slot.host.write(slot.key, request, writeOptions)
      } finally {
        slot.pins -= 1
        slot.usedAt = performance.now()
      }
    },
    hold: (plan, readFiles) => holdModels(plan, { slots, placement, loader, onGone }, readFiles),
    waiting: (manifest) => slots.find(modelKey(manifest))?.host.waiting ?? 0,
    busyForMs: (manifest) => slots.find(modelKey(manifest))?.host.busyForMs ?? 0,
    async unload(manifest) {
      marks.forgive(modelKey(manifest))
      await Promise.all(slots.of(modelKey(manifest)).map(loader.unload))
    },
    forecast(manifest) {
      const slot = slots.find(modelKey(manifest))
      if (slot !== undefined) return { backend: slot.loaded.backend, ms: slot.loaded.warmupMs }
      if (fitness.isSetAside(manifest)) return undefined
      const [best] = placement.ranked(manifest)
      // Before the adapter was asked for, what needs one is not yet known to lack it.
      if (best === undefined) {
        const [first] = setups
        if (probe.isReady || first === undefined) return undefined
        return { backend: first.backend, runtimes: runtimesFor(first) }
      }
      const { ms } = knowledge.timeOf(best, modelKey(manifest), manifest.complexity.macs)
      return { backend: best.backend, ms, runtimes: runtimesFor(best) }
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
