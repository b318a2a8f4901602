import type { Manifest } from '../../contracts/manifest.ts'
import type { Progress } from '../../contracts/model-state.ts'
import { ModelError } from '../../errors/model-error.ts'
import type { ChunkStore } from '../chunks/chunk-store.ts'
import { createEtags } from '../chunks/etags.ts'
import type { Records } from '../chunks/open-records.ts'
import { toStorageError } from '../chunks/storage-error.ts'
import type { StoredFile } from '../chunks/stored-file.ts'
import { modelKey } from '../manifest/model-key.ts'
import { totalBytesOf } from '../manifest/total-bytes.ts'
import type { ByteSource } from '../onnx/byte-source.ts'
import { type FetchOptions, toFetchEnvironment } from '../transfer/fetch-environment.ts'
import { createSharedTasks } from '../transfer/shared-tasks.ts'
import type { TransferOptions } from '../transfer/transfer-options.ts'
import { createTransferSlots, type Priority, type TransferClaim } from '../transfer/transfer-slots.ts'
import { type AdoptOptions, adoptBlobs, type GivenFile } from './adopt-blobs.ts'
import { areWhole, type InstallEnvironment, removeRecord, writeRecord } from './install-model.ts'
import { installOrRelease } from './install-or-release.ts'
import { makeRoom } from './make-room.ts'
import { createModelNotes, type ModelNotes } from './model-notes.ts'
import { createModelRecords, type ModelRecord, type ModelRecords } from './model-records.ts'
import { nameLock } from './name-lock.ts'
import { openStoreParts, type StorePartsOptions } from './open-store-parts.ts'
import { readModel, sourceOf, type VerifyReport, verifyModel } from './read-model.ts'
import { type StoreUsage, usageOf } from './store-usage.ts'

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
  readonly locks?: StorePartsOptions['locks']
  /** Encrypts chunks at rest. Default false. */
  readonly encrypt?: boolean | undefined
  /** Bytes that stored models may take together; the least recently used ones make room. Default: what the browser gives. */
  readonly budgetBytes?: number | undefined
  readonly connections?: TransferOptions['connections']
  readonly segmentBytes?: TransferOptions['segmentBytes']
  readonly totalMs?: TransferOptions['totalMs']
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly random?: () => number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Milliseconds on a clock that never goes back. */
  readonly clock?: () => number
}

export interface InstallOptions {
  readonly signal?: AbortSignal | undefined
  /** Bytes of all files together, never over the total. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Default `waiting`: somebody waits for it. One that is under way is raised, never lowered. */
  readonly priority?: Priority | undefined
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
    options?: {
      readonly signal?: AbortSignal | undefined
      /** Which files, by path. Default: all. */
      readonly wanted?: ((path: string) => boolean) | undefined
    },
  ): Promise<Map<string, Uint8Array<ArrayBuffer>>>
  /** Reads every stored byte of it and repairs what it can. @throws {ModelError} `stored-model-damaged` when it is not stored */
  verify(manifest: Manifest, options?: { readonly signal?: AbortSignal | undefined }): Promise<VerifyReport>
  /**
   * Makes files that are on this device already a stored model, within the budget. Where that fails, nothing of them
   * stays.
   *
   * @param given every file of the manifest
   * @throws {ModelError} `import-invalid`: a file is not what the manifest says; `storage-full`
   * @throws {CapabilityError} `storage-unavailable`
   * @throws the signal's reason
   */
  adopt(manifest: Manifest, baseUrl: string, given: readonly GivenFile[], options: AdoptOptions): Promise<void>
  /**
   * Another manifest for a stored model's files, under the same name and revision.
   *
   * @throws {ModelError} `stored-model-damaged` when none of this name and revision is stored
   */
  redescribe(manifest: Manifest): Promise<void>
  /**
   * Holds a model's name while a model is added under it or removed: in all tabs, one at a time, in the order of asking.
   *
   * @throws the work's own errors; the signal's reason when it aborts while waiting
   */
  holdName<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /**
   * Frees what no list shows: files of an add that was cut, and of models that were replaced or half removed.
   *
   * @param isListed does a list show this record's model?
   */
  freeOrphans(isListed: (record: ModelRecord) => Promise<boolean>): Promise<void>
  /** Frees the model's space, save for files that another stored model shares; an install under way is aborted. */
  remove(
    model: Pick<Manifest, 'name' | 'revision'> & { readonly files: readonly { readonly sha256: string }[] },
  ): Promise<void>
  /** Somebody waits for the model now: an install under way goes first. */
  raise(manifest: Manifest): void
  /** A stored file, to be read in parts. @throws {ModelError} `stored-model-damaged` when it is not stored */
  source(manifest: Manifest, path: string): Promise<ByteSource>
  /** Ends an install under way; what has arrived stays. */
  stop(manifest: Manifest, reason: unknown): Promise<void>
  usage(): Promise<StoreUsage>
  readonly notes: ModelNotes
  /** Every stored model's record. */
  records(): Promise<readonly ModelRecord[]>
}

/** Opens the store. Never rejects: without IndexedDB it works from memory, and `persistent` says so. */
export async function openModelStore(options: ModelStoreOptions = {}): Promise<ModelStore> {
  const { budgetBytes } = options
  const { chunks, kept, locks, persistent } = await openStoreParts(options)
  const environment: InstallEnvironment = {
    chunks,
    records: createModelRecords(kept),
    etags: createEtags(kept),
    locks,
    now: options.now ?? Date.now,
    clock: options.clock ?? (() => performance.now()),
    download: { slots: createTransferSlots(), ...options },
  }
  const { records, now } = environment
  const notes = createModelNotes(kept, locks)
  const installs = createSharedTasks<Progress>()
  const claims = new Map<string, TransferClaim>()

  const state = (manifest: Manifest) => stateOf(manifest, records, chunks)

  const makeRoomFor = async (manifest: Manifest) => {
    if (budgetBytes !== undefined) await makeRoom(manifest, budgetBytes, environment, notes)
  }

  const install = async (
    manifest: Manifest,
    baseUrl: string,
    claim: TransferClaim,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void,
  ) => {
    const stored = await state(manifest)
    if (stored.status === 'stored') {
      onProgress({ loadedBytes: stored.totalBytes, totalBytes: stored.totalBytes })
      return
    }
    await makeRoomFor(manifest)
    const request = { manifest, baseUrl, claim, signal, onProgress }
    await installOrRelease(request, environment, notes)
  }

  const recordOf = async (manifest: Manifest): Promise<ModelRecord> => {
    const record = await records.get(manifest)
    if (record !== undefined) return record
    throw notStored(manifest)
  }
  const reading = (signal: AbortSignal | undefined) => ({ chunks, environment: toFetchEnvironment(options), signal })

  /** Turns the browser's storage errors into errors of `errors/`, and an abort into the caller's own reason. */
  const guarded = async <T>(
    manifest: Pick<Manifest, 'name'>,
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
    install: (manifest, baseUrl, { signal, onProgress, priority = 'waiting' } = {}) =>
      guarded(manifest, signal, async () => {
        const key = modelKey(manifest)
        const claim = claims.get(key) ?? { priority }
        if (priority === 'waiting') claim.priority = priority
        claims.set(key, claim)
        const start = (shared: AbortSignal, report: (progress: Progress) => void) =>
          install(manifest, String(baseUrl), claim, shared, report).finally(() => {
            if (claims.get(key) === claim) claims.delete(key)
          })
        await installs.join(key, start, { signal, onProgress })
      }),
    read: (manifest, { signal, wanted } = {}) =>
      guarded(manifest, signal, async () => {
        const record = await recordOf(manifest)
        const files = await readModel(record, reading(signal), wanted)
        // Best effort: without it the model only looks less recently used.
        await notes.change(manifest.name, { usedAtMs: now() }).catch(() => {})
        return files
      }),
    verify: (manifest, { signal } = {}) =>
      guarded(manifest, signal, async () => verifyModel(await recordOf(manifest), reading(signal))),
    adopt: (manifest, baseUrl, given, how) =>
      guarded(manifest, how.signal, async () => {
        await makeRoomFor(manifest)
        await adoptBlobs(manifest, baseUrl, given, how, environment)
      }),
    redescribe: (manifest) =>
      guarded(manifest, undefined, async () => {
        const record = await records.find(manifest)
        if (record === undefined) throw notStored(manifest)
        if (!(await writeRecord(manifest, record.baseUrl, record.files, environment))) throw notStored(manifest)
      }),
    holdName: (name, work, signal) => locks.hold(nameLock(name), work, signal),
    async freeOrphans(isListed) {
      // A file of its own: no request waits for it.
      const { freeOrphans } = await import('./free-orphans.ts')
      await freeOrphans(kept, isListed, environment)
    },
    remove: (model) =>
      guarded(model, undefined, async () => {
        await installs.cancel(modelKey(model), new DOMException('The model was removed.', 'AbortError'))
        await removeRecord(model, environment)
        if ((await records.all()).some(({ name }) => name === model.name)) return
        const gone = { pinned: undefined, paused: undefined, usedAtMs: undefined, serving: undefined }
        await notes.change(model.name, gone)
      }),
    raise(manifest) {
      const claim = claims.get(modelKey(manifest))
      if (claim !== undefined) claim.priority = 'waiting'
    },
    source: (manifest, path) =>
      guarded(manifest, undefined, async () => {
        const record = await recordOf(manifest)
        return sourceOf(record, fileOf(record, path), reading(undefined))
      }),
    stop: (manifest, reason) => installs.cancel(modelKey(manifest), reason),
    usage: () => usageOf(records, chunks, notes, persistent),
    notes,
    records: () => records.all(),
  }
}

const notStored = ({ name }: Manifest) =>
  new ModelError('stored-model-damaged', `${name} is not stored on this device. Download it first.`)

const fileOf = (record: ModelRecord, path: string): StoredFile => {
  const file = record.files.find((candidate) => candidate.path === path)
  if (file === undefined) throw new ModelError('stored-model-damaged', `${record.name} has no ${path}.`)
  return file
}

async function stateOf(manifest: Manifest, records: ModelRecords, chunks: ChunkStore): Promise<StoredState> {
  const totalBytes = totalBytesOf(manifest)
  const record = await records.get(manifest)
  if (record !== undefined && (await areWhole(record.files, chunks))) return { status: 'stored', totalBytes }
  let loadedBytes = 0
  for (const file of manifest.files) loadedBytes += Math.min(file.bytes, await chunks.bytesOf(file.sha256))
  return loadedBytes === 0 ? { status: 'absent' } : { status: 'partial', loadedBytes, totalBytes }
}
