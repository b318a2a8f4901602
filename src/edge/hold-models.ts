import type { Manifest } from '../contracts/manifest.ts'
import type { BackendSetup } from '../device/backend-setups.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import type { HeldModels, ReadFiles } from './edge-types.ts'
import { type LoadPurpose, type ModelLoader, WarmUpFailure } from './model-loader.ts'
import type { ModelPlacement } from './model-placement.ts'
import type { ModelSlot, ModelSlots } from './model-slots.ts'
import type { SessionPlan } from './session-plan.ts'

/**
 * Loads all models of a session in the worker of the heaviest one, and keeps them there until they are released.
 *
 * @throws as `EdgeEngine.load` does
 */
export async function holdModels(
  { steps }: SessionPlan,
  engine: { readonly slots: ModelSlots; readonly placement: ModelPlacement; readonly loader: ModelLoader },
  readFiles: (manifest: Manifest) => ReturnType<ReadFiles>,
): Promise<HeldModels> {
  const { slots, placement, loader } = engine
  const manifests = steps.map(({ manifest }) => manifest).sort((a, b) => b.complexity.macs - a.complexity.macs)
  const pinned: ModelSlot[] = []
  const release = () => {
    for (const slot of pinned.splice(0)) slot.pins -= 1
  }
  const pin = (slot: ModelSlot) => {
    slot.pins += 1
    pinned.push(slot)
    return slot
  }
  const loadThere = async (setup: BackendSetup, manifest: Manifest, purpose: LoadPurpose) => {
    const load = (warmsUp: boolean) => loader.loadOn(setup, manifest, () => readFiles(manifest), { purpose, warmsUp })
    try {
      return await load(true)
    } catch (error) {
      // It has to be where the others are, so its first run decides.
      if (!(error instanceof WarmUpFailure)) throw error
      return load(false)
    }
  }
  try {
    const [heaviest, ...others] = manifests
    if (heaviest === undefined) throw new TypeError('a session has at least one model')
    const { setup, host, loaded } = pin(await placement.place(heaviest, () => readFiles(heaviest)))
    for (const manifest of others) {
      const loadedThere = slots.on(modelKey(manifest), setup)
      const purpose = slots.find(modelKey(manifest)) === undefined ? 'serve' : 'try'
      pin(loadedThere ?? (await loadThere(setup, manifest, purpose)))
    }
    return { host, backend: loaded.backend, release }
  } catch (error) {
    release()
    throw error
  }
}
