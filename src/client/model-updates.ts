import type { Manifest } from '../contracts/manifest.ts'
import type { Edge } from '../edge/edge-types.ts'
import type { Priority } from '../models/transfer-slots.ts'
import { abortable } from '../utils/abortable.ts'
import type { Background } from './create-background.ts'
import type { EdgeModels } from './edge-models.ts'

/** Brings newer revisions of models to this device. */
export interface ModelUpdates {
  /** @returns the revision that serves now */
  update(name: string, options?: { readonly signal?: AbortSignal; readonly priority?: Priority }): Promise<string>
}

/**
 * A newer revision is fetched beside the one that serves. Once its bytes are verified it is loaded and answers its
 * canary; only then it serves, and the old one is removed. If it fails, the old one serves on, and the newer one is
 * not tried again.
 */
export function createModelUpdates(parts: {
  readonly background: Background
  readonly edge: Edge
  readonly edgeModels: EdgeModels
}): ModelUpdates {
  const { background, edge, edgeModels } = parts
  const running = new Map<string, Promise<string>>()

  const bring = async (serving: Manifest, newer: Manifest, priority: Priority, signal: AbortSignal | undefined) => {
    const { name, revision } = newer
    await edge.check(newer)
    await background.keepServing(name, serving.revision)
    await background.install(name, { signal, revision, priority, onProgress: () => {} })
    try {
      await edge.measure()
      // Loading it runs its canary.
      await edge.load(newer, () => background.readFiles(name, revision))
    } catch (error) {
      await edge.unload(newer)
      await background.refuse(newer.name, revision)
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

  return {
    update(name, { signal, priority = 'waiting' } = {}) {
      const known = running.get(name)
      if (known !== undefined) return abortable(known, signal)
      const started = update(name, priority, signal).finally(() => running.delete(name))
      running.set(name, started)
      return started
    },
  }
}
