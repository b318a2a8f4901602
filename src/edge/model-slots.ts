import type { Manifest } from '../contracts/manifest.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { type BackendSetup, setupId } from '../device/backend-setups.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import type { EdgeHost } from './edge-host.ts'
import type { LoadedModel } from './edge-types.ts'

/** A model that is loaded on one setup. */
export interface ModelSlot {
  readonly key: string
  readonly manifest: Manifest
  readonly setup: BackendSetup
  readonly host: EdgeHost
  loaded: LoadedModel
  /** Its time is an earlier visit's. */
  isRemembered: boolean
  /** Memory it is estimated to take. */
  readonly bytes: number
  usedAt: number
  /** Its time was measured here, or at an earlier visit, and is no prediction. */
  readonly isTimed: boolean
  /** Inputs of a real run, kept until it has been compared with other backends on them. */
  sample?: TensorMap | undefined
  /** Other backends were compared with it: no sample is wanted any more. */
  isSettled?: boolean
  /** Open sessions on it: it is neither unloaded to make room nor moved. */
  pins: number
}

/** The loaded models, within a budget of memory. */
export interface ModelSlots {
  /** Where the model's runs go; undefined when it is not loaded, or its worker has died. */
  find(key: string): ModelSlot | undefined
  /** The model on this very setup. */
  on(key: string, setup: BackendSetup): ModelSlot | undefined
  /** @param serves runs go here from now on */
  add(slot: ModelSlot, serves: boolean): void
  drop(slot: ModelSlot): void
  /** All slots of the model. */
  of(key: string): readonly ModelSlot[]
  /** Forgets what was in a worker that has died. */
  dropHost(host: EdgeHost): void
  /**
   * The least recently used models that have to go for `bytes` more to fit; none when there is room.
   *
   * @throws {CapabilityError} `memory-exhausted`: not even then would they fit
   */
  leastUsedFor(bytes: number, keep: string): readonly ModelSlot[]
  readonly usedBytes: number
  /** The one that came to serve last. */
  readonly newest: ModelSlot | undefined
  clear(): void
}

export function createModelSlots(budgetBytes: number): ModelSlots {
  const slots = new Set<ModelSlot>()
  const serving = new Map<string, ModelSlot>()
  const usedBytes = () => [...slots].reduce((sum, { bytes }) => sum + bytes, 0)
  const isAlive = ({ host, key }: ModelSlot) => host.has(key)

  const drop = (slot: ModelSlot) => {
    slots.delete(slot)
    if (serving.get(slot.key) === slot) serving.delete(slot.key)
  }

  return {
    find(key) {
      const slot = serving.get(key)
      return slot !== undefined && isAlive(slot) ? slot : undefined
    },
    on: (key, setup) =>
      [...slots].find((slot) => slot.key === key && setupId(slot.setup) === setupId(setup) && isAlive(slot)),
    add(slot, serves) {
      slots.add(slot)
      if (!serves) return
      serving.delete(slot.key)
      serving.set(slot.key, slot)
    },
    drop,
    of: (key) => [...slots].filter((slot) => slot.key === key),
    dropHost(host) {
      for (const slot of slots) if (slot.host === host) drop(slot)
    },
    leastUsedFor(bytes, keep) {
      let free = budgetBytes - usedBytes()
      const going: ModelSlot[] = []
      const byAge = [...slots].sort((a, b) => a.usedAt - b.usedAt)
      for (const slot of byAge) {
        if (free >= bytes) break
        if (slot.pins > 0 || slot.key === keep) continue
        going.push(slot)
        free += slot.bytes
      }
      if (free >= bytes) return going
      throw new CapabilityError(
        'memory-exhausted',
        'The models in use leave no memory for another one. Close a session or unload a model, or allow more memory.',
        { context: { neededBytes: bytes, budgetBytes } },
      )
    },
    get usedBytes() {
      return usedBytes()
    },
    get newest() {
      return [...serving.values()].at(-1)
    },
    clear() {
      slots.clear()
      serving.clear()
    },
  }
}

/** A slot for a model that has just been loaded. */
export const toSlot = (
  manifest: Manifest,
  setup: BackendSetup,
  host: EdgeHost,
  report: Omit<LoadedModel, 'backend' | 'threads'>,
  bytes: number,
  facts: Pick<ModelSlot, 'isRemembered' | 'isTimed'>,
): ModelSlot => ({
  key: modelKey(manifest),
  manifest,
  setup,
  host,
  loaded: { ...report, ...setup },
  ...facts,
  bytes,
  usedAt: performance.now(),
  pins: 0,
})
