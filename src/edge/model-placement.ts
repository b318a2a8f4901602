import type { Manifest } from '../contracts/manifest.ts'
import type { Backend } from '../contracts/model-state.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { type BackendSetup, setupId } from '../device/backend-setups.ts'
import { rankSetups, type SetupTime } from '../device/rank-setups.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { ModelError } from '../errors/model-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import type { DeviceKnowledge } from './device-knowledge.ts'
import type { DeviceProbe } from './device-probe.ts'
import type { EdgeHost } from './edge-host.ts'
import type { EdgeHosts } from './edge-hosts.ts'
import type { EdgeEvents, ReadFiles } from './edge-types.ts'
import type { Fitness } from './fitness.ts'
import { type LoadPurpose, type ModelLoader, WarmUpFailure } from './model-loader.ts'
import type { ModelSlot, ModelSlots } from './model-slots.ts'
import type { ModelTrust } from './model-trust.ts'
import { moveOver, timeAgain, whenResting } from './move-over.ts'

/** Decides on which backend setup a model is loaded, and moves it where another one proves faster. */
export interface ModelPlacement {
  /** The setups that can run the model, the one predicted fastest first. */
  ranked(manifest: Manifest): readonly BackendSetup[]
  /**
   * Where the model answers: it is loaded on the setup predicted fastest, or on the next one where a backend fails.
   * Once nothing runs, setups that may be faster are tried.
   *
   * @throws as `EdgeEngine.load` does
   */
  place(manifest: Manifest, readFiles: ReadFiles): Promise<ModelSlot>
  /**
   * Loads a model where others of its session are, held against WASM as one is that is placed by itself.
   *
   * @throws as `ModelLoader.loadOn` does; {ModelError} `model-wrong-answer` also where it was found out before
   */
  loadOn(
    setup: BackendSetup,
    manifest: Manifest,
    readFiles: ReadFiles,
    options: { readonly purpose: LoadPurpose; readonly warmsUp: boolean },
  ): Promise<ModelSlot>
  /** A run of the model succeeded: other backends can be compared with it on its inputs. */
  learnSample(slot: ModelSlot, inputs: TensorMap): void
}

/** Another backend may do: this one gave a wrong answer, did not load the model, or its worker died of it. */
const isBackendsFault = (error: unknown): boolean =>
  isHitherError(error) &&
  (error.code === 'model-wrong-answer' || error.code === 'model-load-failed' || error.name === 'EdgeError')

export function createModelPlacement(
  engine: Pick<EdgeEvents, 'onMoved'> & {
    readonly setups: readonly BackendSetup[]
    readonly slots: ModelSlots
    readonly hosts: EdgeHosts
    readonly knowledge: DeviceKnowledge
    readonly probe: DeviceProbe
    readonly fitness: Fitness
    readonly loader: ModelLoader
    readonly trust: ModelTrust
    /** A model answers from another setup than before. */
    readonly onPlaced: () => void
    /** Aborted when the engine is closed. */
    readonly closing: AbortSignal
  },
): ModelPlacement {
  const { setups, slots, hosts, knowledge, probe, fitness, loader, trust, onPlaced, onMoved, closing } = engine

  const isAbsent = ({ backend }: BackendSetup) =>
    knowledge.measurements.some((known) => known.backend === backend && known.status === 'absent')
  const timesOf = (manifest: Manifest): SetupTime[] => {
    const usable = fitness.backendsFor(manifest)
    const key = modelKey(manifest)
    return setups
      .filter(({ backend }) => usable.includes(backend) && !knowledge.isQuarantined(backend))
      .filter(({ backend }) => !knowledge.isDistrusted(key, backend))
      .map((setup) => knowledge.timeOf(setup, key, manifest.complexity.macs))
  }
  const ranked = (manifest: Manifest) => rankSetups(timesOf(manifest)).filter((setup) => !isAbsent(setup))

  /** Nothing runs on a backend that answers wrongly: models on it are loaded elsewhere when they are next needed. */
  const setAside = (backend: Backend) => {
    knowledge.quarantine(backend, 'wrong')
    for (const host of hosts.all()) {
      if (backend !== 'wasm' && host.flavor !== 'wasm') {
        host.terminate(new ModelError('model-wrong-answer', 'This backend gives wrong answers, so it is not used.'))
      }
    }
  }

  const verifierOf = (manifest: Manifest, setup: BackendSetup) => (host: EdgeHost) =>
    trust.verify(manifest, setup, host)
  const referenceFor = async (manifest: Manifest, { backend }: BackendSetup, readFiles: ReadFiles) =>
    backend === 'wasm'
      ? 'known'
      : trust.prepare(
          manifest,
          ranked(manifest).find((setup) => setup.backend === 'wasm'),
          readFiles,
        )

  const loadWhereFastest = async (manifest: Manifest, readFiles: ReadFiles): Promise<ModelSlot> => {
    await probe.measure()
    fitness.check(manifest)
    const tried = new Set<string>()
    const wrong: Backend[] = []
    const serveFrom = async (setup: BackendSetup, warmsUp: boolean) => {
      const verify = verifierOf(manifest, setup)
      const slot = await loader.loadOn(setup, manifest, readFiles, { purpose: 'serve', warmsUp, verify })
      // A right answer from another backend shows that the canary is right and these are wrong.
      for (const backend of wrong) setAside(backend)
      onPlaced()
      return slot
    }
    /** Setups that are taken where no other one is left. */
    const unsure: BackendSetup[] = []
    let failure: unknown
    for (;;) {
      closing.throwIfAborted()
      const next = ranked(manifest).find((setup) => !tried.has(setupId(setup)))
      if (next === undefined) break
      tried.add(setupId(next))
      if ((await referenceFor(manifest, next, readFiles)) === 'none') {
        // Nothing tells its answers there from wrong ones. Once a run on WASM has been made, they can be compared.
        unsure.push(next)
        continue
      }
      try {
        return await serveFrom(next, true)
      } catch (error) {
        if (error instanceof WarmUpFailure) {
          if (next.backend === 'wasm') return await serveFrom(next, false)
          unsure.push(next)
          continue
        }
        if (!isBackendsFault(error)) throw error
        const isWrong = isHitherError(error) && error.code === 'model-wrong-answer'
        // What it was found out to answer on WASM speaks against this backend for this model alone.
        if (isWrong && manifest.canary !== undefined) wrong.push(next.backend)
        failure = error
      }
    }
    // Its first run decides, where no other backend has taken it over.
    const [last] = unsure
    if (last !== undefined) return await serveFrom(last, false)
    throw (
      failure ??
      new CapabilityError(
        'no-backend',
        'This browser has nothing that can run this model: no WebAssembly and no WebGPU that works.',
      )
    )
  }

  /** Once nothing runs: times the model where it was not timed, and moves it where it is faster. */
  const settle = async (manifest: Manifest, readFiles: ReadFiles) => {
    const key = modelKey(manifest)
    await whenResting(() => hosts.all().some(({ waiting }) => waiting > 0), closing)
    const slot = slots.find(key)
    if (slot?.isRemembered) await timeAgain(slot, knowledge).catch(() => {})
    await probe.measureRest()
    await moveOver({
      serving: () => slots.find(key),
      times: () => timesOf(manifest).filter(({ setup }) => !isAbsent(setup)),
      async tryOn(setup) {
        await referenceFor(manifest, setup, readFiles)
        return loader.loadOn(setup, manifest, readFiles, { purpose: 'try', verify: verifierOf(manifest, setup) })
      },
      compare: trust.compare,
      moveTo(slot) {
        slots.add(slot, true)
        onMoved?.({ manifest, loaded: slot.loaded })
        onPlaced()
      },
      unload: loader.unload,
      signal: closing,
    })
    const settled = slots.find(key)
    if (settled === undefined) return
    // Without a run to compare on, it is looked at again after the first one.
    const mayMove = settled.setup.backend === 'wasm' && setups.some(({ backend }) => backend !== 'wasm')
    settled.isSettled = settled.sample !== undefined || knowledge.reference(key) !== undefined || !mayMove
    if (settled.isSettled) settled.sample = undefined
  }
  /** One after the other for a model. */
  const settling = new Map<string, Promise<void>>()
  const settleLater = (manifest: Manifest, readFiles: ReadFiles) => {
    const key = modelKey(manifest)
    const before = settling.get(key) ?? Promise.resolve()
    // It goes on answering from where it is.
    const done = before.then(() => settle(manifest, readFiles)).catch(() => {})
    settling.set(key, done)
    done.finally(() => settling.get(key) === done && settling.delete(key))
  }
  const readers = new Map<string, ReadFiles>()

  const placing = new Map<string, Promise<ModelSlot>>()
  return {
    ranked,
    place(manifest, readFiles) {
      const key = modelKey(manifest)
      const alive = slots.find(key)
      if (alive !== undefined) return Promise.resolve(alive)
      const known = placing.get(key)
      if (known !== undefined) return known
      const loading = loadWhereFastest(manifest, readFiles).finally(() => placing.delete(key))
      placing.set(key, loading)
      readers.set(key, readFiles)
      // A text's keys and values lie where it was begun, and trying another place takes its weights twice.
      const mayMove = manifest.generation === undefined
      loading.then(() => (mayMove ? settleLater(manifest, readFiles) : undefined)).catch(() => {}) // its caller is told
      return loading
    },
    async loadOn(setup, manifest, readFiles, options) {
      if (knowledge.isDistrusted(modelKey(manifest), setup.backend)) {
        throw new ModelError('model-wrong-answer', 'This backend gave wrong answers for this model, so it is not used.')
      }
      await referenceFor(manifest, setup, readFiles)
      return loader.loadOn(setup, manifest, readFiles, { ...options, verify: verifierOf(manifest, setup) })
    },
    learnSample(slot, inputs) {
      const readFiles = readers.get(slot.key)
      slot.sample ??= inputs
      if (readFiles !== undefined && !settling.has(slot.key)) settleLater(slot.manifest, readFiles)
    },
  }
}
