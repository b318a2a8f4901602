import type { Manifest } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { isStorageFull } from '../chunks/storage-error.ts'
import { type InstallEnvironment, type InstallRequest, installModel, releaseUnnamed } from './install-model.ts'
import { evictableOf } from './make-room.ts'
import type { ModelNotes } from './model-notes.ts'

/**
 * Installs a model and, when the device turns out to be full, frees what was written of it.
 *
 * @throws {ModelError} `storage-full`, with the models whose removal would make room
 */
export async function installOrRelease(
  request: InstallRequest,
  environment: InstallEnvironment,
  notes: ModelNotes,
): Promise<void> {
  const { manifest } = request
  try {
    await installModel(request, environment)
  } catch (error) {
    const isFull = isStorageFull(error) || (error instanceof ModelError && error.code === 'storage-full')
    if (!isFull) throw error
    await releaseUnnamed(manifest.files, environment).catch(() => {})
    // Without a budget nothing is evicted by itself: the person chooses.
    const evictable = await evictableOf(environment, notes, manifest.name)
    throw storageFull(
      manifest,
      evictable.map(({ name }) => name),
      error,
    )
  }
}

function storageFull(manifest: Manifest, evictable: readonly string[], cause: unknown): ModelError {
  const names = evictable.map((name) => `"${name}"`).join(', ')
  const offer = evictable.length === 0 ? 'Free space on the device.' : `Removing ${names} would make room.`
  return new ModelError('storage-full', `There is no room on this device for ${manifest.name}. ${offer}`, {
    cause,
    context: { evictable: evictable.join(',') },
  })
}
