import type { Manifest } from '../contracts/manifest.ts'
import type { BackendSetup } from '../device/backend-setups.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import { modelMemory } from '../models/manifest/model-memory.ts'
import { abortable } from '../utils/abortable.ts'
import type { CrashMarks } from './crash-marks.ts'
import type { DeviceKnowledge } from './device-knowledge.ts'
import type { EdgeHost } from './edge-host.ts'
import type { EdgeHosts } from './edge-hosts.ts'
import type { EdgeEvents, ReadFiles } from './edge-types.ts'
import { type ModelSlot, type ModelSlots, toSlot } from './model-slots.ts'

/**
 * `serve`: the model's runs go there from now on. `try`: it is loaded to be timed, and displaces no other model.
 * `compare`: its answers are wanted before it serves elsewhere.
 */
export type LoadPurpose = 'serve' | 'try' | 'compare'

/** A model without a canary was created, and did not run with zeros. That is no reason to refuse it. */
export class WarmUpFailure extends Error {
  override readonly name = 'WarmUpFailure'
}

/** Loads models on a given backend setup, within the memory budget. */
export interface ModelLoader {
  /**
   * @throws {CapabilityError} `memory-exhausted`
   * @throws {ModelError} the model does not load, or answers its canary wrongly
   * @throws {EdgeError} the worker died
   * @throws {WarmUpFailure} a model without a canary does not take zeros there
   */
  loadOn(
    setup: BackendSetup,
    manifest: Manifest,
    readFiles: ReadFiles,
    options: {
      readonly purpose: LoadPurpose
      /** False: it is loaded untimed, and its first run decides. Default true. */
      readonly warmsUp?: boolean
      /** Looks at the loaded model before it takes runs; where it rejects, the model is unloaded. */
      readonly verify?: ((host: EdgeHost) => Promise<void>) | undefined
    },
  ): Promise<ModelSlot>
  unload(slot: ModelSlot): Promise<void>
}

export function createModelLoader(
  engine: Pick<EdgeEvents, 'onGone'> & {
    readonly slots: ModelSlots
    readonly hosts: EdgeHosts
    readonly knowledge: DeviceKnowledge
    readonly marks: CrashMarks
    /** Aborted when the engine is closed. */
    readonly closing: AbortSignal
  },
): ModelLoader {
  const { slots, hosts, knowledge, marks, onGone, closing } = engine

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

  const loadOn: ModelLoader['loadOn'] = async (setup, manifest, readFiles, options) => {
    const { purpose, warmsUp = true, verify } = options
    const key = modelKey(manifest)
    const bytes = modelMemory(manifest)
    await makeRoom(bytes, key, purpose)
    const host = hosts.of(setup)
    // A trial is timed: compared with its own remembered time, it would always tie.
    const knownMs = purpose === 'serve' ? knowledge.rememberedMs(key, setup) : undefined
    let isCreated = false
    const { ms: foretoldMs } = knowledge.timeOf(setup, key, manifest.complexity.macs)
    marks.begin(key)
    try {
      const opening = host.open().catch(() => {}) // while the files are read; a failure shows in the load
      const readingAt = performance.now()
      const files = await abortable(readFiles(), closing)
      const readMs = performance.now() - readingAt
      await abortable(opening, closing)
      const loadingAt = performance.now()
      const request = {
        key,
        files,
        backend: setup.backend,
        inputs: manifest.inputs,
        outputs: manifest.outputs,
        wire: manifest.wire,
        canary: manifest.canary,
        generation: manifest.generation,
        tolerance: manifest.tolerance.absolute,
        keepOnDevice: manifest.state?.map(({ output }) => output),
        knownMs,
        warmsUp,
      }
      const report = await host.load(request, { onCreated: () => (isCreated = true) })
      const warmupMs = report.warmupMs ?? foretoldMs ?? 0
      const loadMs = readMs + performance.now() - loadingAt
      const isTimed = report.warmupMs !== undefined
      const facts = { isRemembered: knownMs !== undefined, isTimed }
      const slot = toSlot(manifest, setup, host, { ...report, warmupMs, loadMs, foretoldMs }, bytes, facts)
      isCreated = false
      await verify?.(host).catch(async (error) => {
        await host.unload(key).catch(() => {})
        throw error
      })
      slots.add(slot, purpose === 'serve')
      if (knownMs === undefined && isTimed) knowledge.learnWarmup(key, setup, warmupMs)
      return slot
    } catch (error) {
      if (!isCreated || !warmsUp || manifest.canary !== undefined || closing.aborted) throw error
      throw new WarmUpFailure('The model does not take zeros.', { cause: error })
    } finally {
      marks.end(key)
    }
  }

  return { loadOn, unload }
}
