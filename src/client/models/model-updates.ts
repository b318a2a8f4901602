import type { Manifest } from '../../contracts/manifest.ts'
import type { EdgeEngine } from '../../edge/edge-types.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import type { Priority } from '../../models/transfer/transfer-slots.ts'
import { abortable } from '../../utils/abortable.ts'
import type { Background } from '../background/create-background.ts'
import type { EdgeModels } from '../edge/edge-models.ts'

/** Failures that say nothing against the newer revision: it is tried again at the next visit. */
const passingCodes: ReadonlySet<string> = new Set([
  'client-closed',
  'worker-unavailable',
  'memory-exhausted',
  'storage-unavailable',
  'stored-model-damaged',
  'edge-crashed',
  'edge-device-lost',
  'edge-timeout',
])

/** Brings newer revisions of models to this device. */
export interface ModelUpdates {
  /** @returns the revision that serves now */
  update(name: string, options?: { readonly signal?: AbortSignal; readonly priority?: Priority }): Promise<string>
  /** Does so in the background, once for each model, where the catalogue is known to have one. Never rejects. */
  follow(name: string): Promise<void>
}

/**
 * A newer revision is fetched beside the one that serves. Once its bytes are verified it is loaded and answers its
 * canary; only then it serves, and the old one is removed. If it fails, the old one serves on, and the newer one is
 * not tried again.
 */
export function createModelUpdates(parts: {
  readonly background: Background
  readonly edge: EdgeEngine
  readonly edgeModels: EdgeModels
}): ModelUpdates {
  const { background, edge, edgeModels } = parts
  const running = new Map<string, Promise<string>>()

  const bring = async (serving: Manifest, newer: Manifest, priority: Priority, signal: AbortSignal | undefined) => {
    const { name, revision } = newer
    await edge.check(newer)
    await background.keepServing(name, serving.revision)
    await background.install(name, revision, { signal, priority, onProgress: () => {} })
    try {
      await edge.measure()
      // Loading it runs its canary.
      await edge.load(newer, () => background.readFiles(name, revision))
    } catch (error) {
      await edge.unload(newer)
      if (!isHitherError(error) || !passingCodes.has(error.code)) await background.refuse(name, revision)
      throw error
    }
    await background.switchTo(name, revision)
    await edge.unload(serving)
    await edgeModels.prepare(newer)
    return revision
  }

  const update = async (name: string, priority: Priority, signal: AbortSignal | undefined): Promise<string> => {
    const serving = await background.manifest(name)
    const newer = await background.newer(name)
    return newer === undefined ? serving.revision : bring(serving, newer, priority, signal)
  }

  const followed = new Set<string>()

  const api: ModelUpdates = {
    update(name, { signal, priority = 'waiting' } = {}) {
      const known = running.get(name)
      if (known !== undefined) return abortable(known, signal)
      const started = update(name, priority, signal).finally(() => running.delete(name))
      running.set(name, started)
      return started
    },
    async follow(name) {
      if (followed.has(name)) return
      followed.add(name)
      try {
        if (await background.isOutdated(name)) await api.update(name, { priority: 'background' })
      } catch {
        // The old one serves on, and the next visit tries again.
      }
    },
  }
  return api
}
