import type { Manifest } from '../contracts/manifest.ts'
import type { Progress } from '../contracts/model-state.ts'
import { ModelError } from '../errors/model-error.ts'
import { type ChunkStore, createChunkStore, openChunkStore } from './chunk-store.ts'
import { createEtags } from './etags.ts'
import { type FetchOptions, toFetchEnvironment } from './fetch-environment.ts'
import { areWhole, type InstallEnvironment, installModel, installOrRelease, removeModel } from './install-model.ts'
import { createMemoryStore } from './key-value-store.ts'
import { createLocks } from './locks.ts'
import { modelKey } from './model-key.ts'
import { createModelRecords } from './model-records.ts'
import { readModel } from './read-model.ts'
import { openRecords, type Records } from './records.ts'
import { createSharedTasks } from './shared-tasks.ts'
import { toStorageError } from './storage-error.ts'
import { type StoreUsage, usageOf } from './store-usage.ts'
import { totalBytesOf } from './total-bytes.ts'

/** How much of a model is on this device. */
export type StoredState =
  | { readonly status: 'absent' }
  | { readonly status: 'partial'; readonly loadedBytes: number; readonly totalBytes: number }
  | { readonly status: 'stored'; readonly totalBytes: number }

export interface ModelStoreOptions extends FetchOptions {
  /** Default: `openRecords()`. */
  readonly records?: Records | undefined
  /** Default: `openChunkStore()`, or memory when the records are in memory. */
  readonly chunks?: ChunkStore | undefined
  /** Bytes of a chunk. Default 8 MiB. */
  readonly chunkBytes?: number | undefined
  /** Default: the browser's, so that all tabs share one download. */
  readonly locks?: Pick<LockManager, 'request'> | undefined
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly random?: () => number
  readonly now?: () => number
}

export interface InstallOptions {
  readonly signal?: AbortSignal | undefined
  /** Bytes of all files together, never over the total. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** The models on this device: no byte downloaded twice, no byte wrong. */
export interface ModelStore {
  /** False in memory mode: models last as long as this thread. */
  readonly persistent: boolean
  /** Asks the store only; nothing is read and nothing fetched. */
  state(manifest: Manifest): Promise<StoredState>
  /**
   * Makes the model `stored`, by downloading what is missing of it. Does nothing when it is.
   *
   * @param baseUrl absolute address that the files' paths are relative to: the manifest's own
   * @throws {ModelError} `download-failed`, `download-wrong-size`, `download-wrong-hash`, `storage-full`
   * @throws {CapabilityError} `storage-unavailable`
   * @throws the signal's reason; what has arrived stays, and the next install continues from it
   */
  install(manifest: Manifest, baseUrl: string | URL, options?: InstallOptions): Promise<void>
  /**
   * The files' bytes by path, every one checked again.
   *
   * @throws {ModelError} `stored-model-damaged` (also for a model that is not stored), `model-load-failed`
   * @throws the signal's reason
   */
  read(
    manifest: Manifest,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Map<string, Uint8Array<ArrayBuffer>>>
  /** Frees the model's space, save for files that another stored model shares; an install under way is aborted. */
  remove(manifest: Manifest): Promise<void>
  usage(): Promise<StoreUsage>
}

/** Opens the store. Never rejects: without IndexedDB it works from memory, and `persistent` says so. */
export async function openModelStore(options: ModelStoreOptions = {}): Promise<ModelStore> {
  const ownRecords = options.records ?? (await openRecords())
  const chunks =
    options.chunks ?? (ownRecords.persistent ? await openChunkStore() : createChunkStore(createMemoryStore()))
  const persistent = ownRecords.persistent && chunks.persistent
  // A record that outlived its chunks would promise a model that is gone.
  const kept = chunks.persistent ? ownRecords : createMemoryStore()
  const manager = 'locks' in options ? options.locks : globalThis.navigator?.locks
  const environment: InstallEnvironment = {
    chunks,
    records: createModelRecords(kept),
    etags: createEtags(kept),
    // In memory mode there is nothing that tabs could share.
    locks: createLocks(persistent ? manager : undefined),
    now: options.now ?? Date.now,
    download: options,
  }
  const { records } = environment
  const installs = createSharedTasks<Progress>()

  const state = async (manifest: Manifest): Promise<StoredState> => {
    const totalBytes = totalBytesOf(manifest)
    const record = await records.get(manifest)
    if (record !== undefined && (await areWhole(record.files, chunks))) return { status: 'stored', totalBytes }
    let loadedBytes = 0
    for (const file of manifest.files) loadedBytes += Math.min(file.bytes, await chunks.bytesOf(file.sha256))
    return loadedBytes === 0 ? { status: 'absent' } : { status: 'partial', loadedBytes, totalBytes }
  }

  const install = async (
    manifest: Manifest,
    base: string,
    signal: AbortSignal,
    report: (progress: Progress) => void,
  ) => {
    const stored = await state(manifest)
    if (stored.status === 'stored') report({ loadedBytes: stored.totalBytes, totalBytes: stored.totalBytes })
    else {
      await installOrRelease(() => installModel(manifest, base, environment, signal, report), manifest, environment)
    }
  }

  /** Only errors of ours, the caller's own reason and faults in this code leave the store. */
  const guarded = async <T>(
    manifest: Manifest,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      throw toStorageError(error, manifest.name)
    }
  }

  return {
    persistent,
    state: (manifest) => guarded(manifest, undefined, () => state(manifest)),
    install: (manifest, baseUrl, { signal, onProgress } = {}) =>
      guarded(manifest, signal, () =>
        installs.join(modelKey(manifest), (shared, report) => install(manifest, String(baseUrl), shared, report), {
          signal,
          onProgress,
        }),
      ),
    read: (manifest, { signal } = {}) =>
      guarded(manifest, signal, async () => {
        const record = await records.get(manifest)
        if (record === undefined) {
          throw new ModelError(
            'stored-model-damaged',
            `${manifest.name} is not stored on this device. Download it first.`,
          )
        }
        return readModel(record, { chunks, environment: toFetchEnvironment(options), signal })
      }),
    remove: (manifest) =>
      guarded(manifest, undefined, async () => {
        await installs.cancel(modelKey(manifest), new DOMException('The model was removed.', 'AbortError'))
        await removeModel(manifest, environment)
      }),
    usage: () => usageOf(records, chunks, persistent),
  }
}
