import type { Manifest } from '../contracts/manifest.ts'
import type { BackendSetup } from '../device/backend-setups.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import type { HeldModels, ReadFiles } from './edge-types.ts'
import { type LoadPurpose, type ModelLoader, WarmUpFailure } from './model-loader.ts'
import type { ModelPlacement } from './model-placement.ts'
import type { ModelSlot, ModelSlots } from './model-slots.ts'
import type { SessionPlan } from './session-plan.ts'

/** A model answers otherwise there than its canary or WASM says. */
const isWrongAnswer = (error: unknown): boolean => isHitherError(error) && error.code === 'model-wrong-answer'

/**
 * Loads all models of a session in the worker of the heaviest one, and keeps them there until they are released. Where
 * one of them answers wrongly on that backend, all of them are on WASM.
 *
 * @throws as `EdgeEngine.load` does
 */
export async function holdModels(
  { steps }: SessionPlan,
  engine: {
    readonly slots: ModelSlots
    readonly placement: ModelPlacement
    readonly loader: ModelLoader
    readonly onGone?: (() => void) | undefined
  },
  readFiles: (manifest: Manifest) => ReturnType<ReadFiles>,
): Promise<HeldModels> {
  const { slots, placement, loader, onGone } = engine
  const manifests = steps.map(({ manifest }) => manifest).sort((a, b) => b.complexity.macs - a.complexity.macs)
  const [heaviest, ...others] = manifests
  if (heaviest === undefined) throw new TypeError('a session has at least one model')
  const pinned: ModelSlot[] = []
  const release = () => {
    for (const slot of pinned.splice(0)) slot.pins -= 1
  }
  const pin = (slot: ModelSlot) => {
    slot.pins += 1
    pinned.push(slot)
    return slot
  }
  const loadThere = async (setup: BackendSetup, manifest: Manifest) => {
    const purpose: LoadPurpose = slots.find(modelKey(manifest)) === undefined ? 'serve' : 'try'
    const load = (warmsUp: boolean) =>
      placement.loadOn(setup, manifest, () => readFiles(manifest), { purpose, warmsUp })
    try {
      return await load(true)
    } catch (error) {
      // It has to be where the others are, so its first run decides.
      if (!(error instanceof WarmUpFailure)) throw error
      return load(false)
    }
  }
  const holdThere = async (setup: BackendSetup, models: readonly Manifest[]) => {
    for (const manifest of models) pin(slots.on(modelKey(manifest), setup) ?? (await loadThere(setup, manifest)))
  }
  const held = ({ host, loaded }: ModelSlot): HeldModels => ({ host, backend: loaded.backend, release })

  try {
    const placed = pin(await placement.place(heaviest, () => readFiles(heaviest)))
    try {
      await holdThere(placed.setup, others)
      return held(placed)
    } catch (error) {
      const wasm = placement.ranked(heaviest).find(({ backend }) => backend === 'wasm')
      if (!isWrongAnswer(error) || placed.setup.backend === 'wasm' || wasm === undefined) throw error
      release()
      // Two copies of the heaviest one may be more than there is memory for.
      if (placed.pins === 0) await loader.unload(placed)
      onGone?.()
      await holdThere(wasm, manifests)
      const [first = placed] = pinned
      return held(first)
    }
  } catch (error) {
    release()
    throw error
  }
}
