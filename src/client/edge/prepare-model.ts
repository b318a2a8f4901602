import type { Manifest } from '../../contracts/manifest.ts'
import type { ModelState, Progress } from '../../contracts/model-state.ts'
import type { EdgeEngine, LoadedModel } from '../../edge/edge-types.ts'
import { type HitherError, isHitherError } from '../../errors/hither-error.ts'
import { isErrorLike } from '../../errors/is-error-like.ts'
import { totalBytesOf } from '../../models/manifest/total-bytes.ts'
import type { Priority } from '../../models/transfer/transfer-slots.ts'
import type { Background } from '../background/create-background.ts'
import { downloadPaused, isDownloadPaused } from './download-paused.ts'
import type { ModelStates } from './model-states.ts'

/** The steps that make a model ready, with its state kept true at each of them. */
export interface ModelPreparer {
  /** Downloads, verifies and loads the model. */
  prepare(manifest: Manifest, signal: AbortSignal, priority: Priority): Promise<LoadedModel>
  /** Downloads and verifies it only. */
  download(manifest: Manifest, signal: AbortSignal, priority: Priority): Promise<void>
}

export function createModelPreparer(options: {
  readonly background: Background
  readonly edge: EdgeEngine
  readonly states: ModelStates
  readonly onProgress: (model: string, progress: Progress) => void
  readonly onLoaded: (manifest: Manifest, loaded: LoadedModel, loadMs: number) => void
  /** Bytes were fetched, checked and stored in so many milliseconds. */
  readonly onInstalled: (manifest: Manifest, installed: { readonly bytes: number; readonly ms: number }) => void
}): ModelPreparer {
  const { background, edge, states, onProgress, onLoaded, onInstalled } = options

  const install = async (
    manifest: Manifest,
    signal: AbortSignal,
    priority: Priority,
    prepareFor: () => Promise<void> = async () => {},
  ) => {
    const stored = await states.stored(manifest)
    if (stored.status === 'stored') return
    if (stored.status === 'paused') throw downloadPaused(manifest)
    let bytesBefore: number | undefined
    const report = (progress: Progress) => {
      if (signal.aborted) return
      states.set(manifest, { status: 'downloading', ...progress })
      onProgress(manifest.name, progress)
    }
    report({ loadedBytes: 0, totalBytes: totalBytesOf(manifest) })
    await prepareFor()
    const startedAt = performance.now()
    await background.install(manifest.name, manifest.revision, {
      signal,
      priority,
      onProgress(progress) {
        // The first report is of what was stored before.
        bytesBefore ??= progress.loadedBytes
        report(progress)
      },
    })
    const bytes = totalBytesOf(manifest) - (bytesBefore ?? 0)
    onInstalled(manifest, { bytes, ms: performance.now() - startedAt })
    // Installing may have evicted other models; re-read their state.
    await states.rereadStored(manifest.name)
  }

  /** Does the work; its failure becomes the model's state. */
  const settling = async <T>(manifest: Manifest, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (thrown) {
      const { paused } = await background.note(manifest.name).catch(() => ({ paused: false }))
      // The worker ended the download without knowing why.
      const error = paused && isAbort(thrown) ? downloadPaused(manifest) : thrown
      if (signal.aborted || isDownloadPaused(error)) {
        states.set(manifest, await states.stored(manifest).catch((): ModelState => ({ status: 'absent' })))
        throw signal.aborted ? signal.reason : error
      }
      const failed = isHitherError(error)
        ? { code: error.code, message: error.message, ...reasonOf(error) }
        : { code: 'unknown', message: isErrorLike(error) ? error.message : String(error) }
      states.set(manifest, { status: 'failed', ...failed })
      throw error
    }
  }

  return {
    prepare: (manifest, signal, priority) =>
      settling(manifest, signal, async () => {
        const totalBytes = totalBytesOf(manifest)
        // A model that this device can't run is refused before a byte of it is fetched.
        await edge.check(manifest)
        await install(manifest, signal, priority, async () => {
          // The device is measured before the download, so that the chosen runtime is fetched and compiled beside it.
          await edge.measure()
          void edge.anticipate(manifest)
        })
        states.set(manifest, { status: 'loading', totalBytes })
        const startedAt = performance.now()
        const loaded = await edge.load(manifest, () => background.readFiles(manifest.name, manifest.revision))
        onLoaded(manifest, loaded, performance.now() - startedAt)
        signal.throwIfAborted()
        states.set(manifest, { status: 'ready', totalBytes, backend: loaded.backend })
        return loaded
      }),
    download: (manifest, signal, priority) =>
      settling(manifest, signal, async () => {
        await edge.check(manifest)
        await install(manifest, signal, priority)
      }),
  }
}

const reasonOf = ({ context: { reason } }: HitherError): { readonly reason?: string } =>
  reason === undefined ? {} : { reason: String(reason) }

const isAbort = (error: unknown): boolean => isErrorLike(error) && error.name === 'AbortError'
