import type { Manifest } from '../contracts/manifest.ts'
import type { BackendSetup } from '../device/backend-setups.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import { abortable } from '../utils/abortable.ts'
import type { CrashMarks } from './crash-marks.ts'
import type { DeviceKnowledge } from './device-knowledge.ts'
import type { EdgeHosts } from './edge-hosts.ts'
import type { EdgeEvents, ReadFiles } from './edge-types.ts'
import type { Fitness } from './fitness.ts'
import { type ModelSlot, type ModelSlots, toSlot } from './model-slots.ts'

/** `serve`: the model's runs go there from now on. `try`: it is loaded to be timed, and displaces no other model. */
export type LoadPurpose = 'serve' | 'try'

/** Loads models on a given backend setup, within the memory budget. */
export interface ModelLoader {
  /**
   * @throws {CapabilityError} `memory-exhausted`
   * @throws {ModelError} the model does not load, or answers its canary wrongly
   * @throws {EdgeError} the worker died
   */
  loadOn(setup: BackendSetup, manifest: Manifest, readFiles: ReadFiles, purpose: LoadPurpose): Promise<ModelSlot>
  unload(slot: ModelSlot): Promise<void>
}

export function createModelLoader(
  engine: Pick<EdgeEvents, 'onGone'> & {
    readonly slots: ModelSlots
    readonly hosts: EdgeHosts
    readonly knowledge: DeviceKnowledge
    readonly fitness: Fitness
    readonly marks: CrashMarks
    /** Aborted when the engine is closed. */
    readonly closing: AbortSignal
  },
): ModelLoader {
  const { slots, hosts, knowledge, fitness, marks, onGone, closing } = engine

  const unload = async (slot: ModelSlot) => {
    slots.drop(slot)
    await slot.host.unload(slot.key)
    hosts.sweep()
  }

  const makeRoom = async (bytes: number, key: string, purpose: LoadPurpose) => {
    const going = slots.leastUsedFor(bytes, key)
    if (going.length === 0) return
    if (purpose === 'try') throw new CapabilityError('memory-exhausted', 'There is no room to try it.')
    await Promise.all(going.map(unload))
    onGone?.()
  }

  const loadOn: ModelLoader['loadOn'] = async (setup, manifest, readFiles, purpose) => {
    const key = modelKey(manifest)
    const bytes = fitness.memoryOf(manifest)
    await makeRoom(bytes, key, purpose)
    const host = hosts.of(setup)
    // A trial is timed: compared with its own remembered time, it would always tie.
    const knownMs = purpose === 'serve' ? knowledge.rememberedMs(key, setup) : undefined
    const { ms: foretoldMs } = knowledge.timeOf(setup, key, manifest.complexity.macs)
    marks.begin(key)
    try {
      const opening = host.open().catch(() => {}) // while the files are read; a failure shows in the load
      const readingAt = performance.now()
      const files = await abortable(readFiles(), closing)
      const readMs = performance.now() - readingAt
      await abortable(opening, closing)
      const loadingAt = performance.now()
      const report = await host.load({
        key,
        files,
        backend: setup.backend,
        inputs: manifest.inputs,
        wire: manifest.wire,
        canary: manifest.canary,
        tolerance: manifest.tolerance.absolute,
        keepOnDevice: manifest.state?.map(({ output }) => output),
        knownMs,
      })
      const warmupMs = report.warmupMs ?? foretoldMs ?? 0
      const loadMs = readMs + performance.now() - loadingAt
      const slot = toSlot(
        manifest,
        setup,
        host,
        { ...report, warmupMs, loadMs, foretoldMs },
        bytes,
        knownMs !== undefined,
      )
      slots.add(slot, purpose === 'serve')
      if (knownMs === undefined && report.warmupMs !== undefined) knowledge.learnWarmup(key, setup, warmupMs)
      return slot
    } finally {
      marks.end(key)
    }
  }

  return { loadOn, unload }
}
