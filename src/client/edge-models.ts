import type { Manifest } from '../contracts/manifest.ts'
import type { ModelState, Progress } from '../contracts/model-state.ts'
import type { Edge, LoadedModel } from '../edge/edge-types.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { totalBytesOf } from '../models/total-bytes.ts'
import { abortable } from '../utils/abortable.ts'
import type { Background } from './create-background.ts'

/** Where each model stands on this device, and what brings it further. */
export interface EdgeModels {
  state(manifest: Manifest): Promise<ModelState>
  /** Downloads, verifies and loads the model. Several callers share one preparation; it goes on when one of them aborts. */
  prepare(manifest: Manifest, signal?: AbortSignal): Promise<LoadedModel>
  /** Downloads and verifies the model, without loading it; does nothing when it is stored. */
  store(manifest: Manifest, signal: AbortSignal): Promise<void>
  remove(manifest: Manifest): Promise<void>
  /** The model answers from another backend than the one it was loaded on. */
  moved(manifest: Manifest, loaded: LoadedModel): void
  /** States may have changed because a worker died. */
  refresh(): void
}

export function createEdgeModels(options: {
  readonly background: Background
  readonly edge: Edge
  readonly onState: (model: string, state: ModelState) => void
  readonly onProgress: (model: string, progress: Progress) => void
  /** Told how long reading, compiling and warming up took; nothing of that when it was moved while it answered. */
  readonly onLoaded: (manifest: Manifest, loaded: LoadedModel, loadMs: number | undefined) => void
}): EdgeModels {
  const { background, edge, onState, onProgress, onLoaded } = options
  const states = new Map<string, ModelState>()
  const manifests = new Map<string, Manifest>()
  const preparations = new Map<
    string,
    { readonly promise: Promise<LoadedModel>; readonly controller: AbortController }
  >()

  const setState = (manifest: Manifest, state: ModelState) => {
    manifests.set(manifest.name, manifest)
    states.set(manifest.name, state)
    onState(manifest.name, state)
  }

  const storedState = async (manifest: Manifest): Promise<ModelState> => {
    const stored = await background.storedState(manifest.name)
    return stored.status === 'stored' ? stored : { status: 'absent' }
  }

  const download = async (manifest: Manifest, signal: AbortSignal) => {
    const totalBytes = totalBytesOf(manifest)
    if ((await storedState(manifest)).status === 'stored') return
    const report = (progress: Progress) => {
      if (signal.aborted) return
      setState(manifest, { status: 'downloading', ...progress })
      onProgress(manifest.name, progress)
    }
    report({ loadedBytes: 0, totalBytes })
    await background.install(manifest.name, { signal, onProgress: report })
  }

  const prepareModel = async (manifest: Manifest, signal: AbortSignal): Promise<LoadedModel> => {
    const totalBytes = totalBytesOf(manifest)
    try {
      // What this device can't run is refused before a byte of it is fetched.
      await edge.check(manifest)
      // The runtime is fetched and compiled while the model downloads.
      void edge.measure()
      await download(manifest, signal)
      setState(manifest, { status: 'loading', totalBytes })
      const startedAt = performance.now()
      await edge.measure()
      const loaded = await edge.load(manifest, () => background.readFiles(manifest.name))
      onLoaded(manifest, loaded, performance.now() - startedAt)
      signal.throwIfAborted()
      setState(manifest, { status: 'ready', totalBytes, backend: loaded.backend })
      return loaded
    } catch (error) {
      if (signal.aborted) {
        setState(manifest, await storedState(manifest).catch((): ModelState => ({ status: 'absent' })))
        throw signal.reason
      }
      const [code, message] = isHitherError(error)
        ? [error.code, error.message]
        : ['unknown', error instanceof Error ? error.message : String(error)]
      setState(manifest, { status: 'failed', code, message })
      throw error
    }
  }

  return {
    async state(manifest) {
      const known = states.get(manifest.name)
      const loaded = edge.loaded(manifest)
      // Another tab has loaded it in the engine that the tabs share.
      if (loaded !== undefined && known?.status !== 'ready' && !preparations.has(manifest.name)) {
        const state: ModelState = { status: 'ready', totalBytes: totalBytesOf(manifest), backend: loaded.backend }
        setState(manifest, state)
        return state
      }
      if (known !== undefined) return known
      const state = await storedState(manifest)
      const newer = states.get(manifest.name)
      if (newer === undefined) setState(manifest, state)
      return newer ?? state
    },
    prepare(manifest, signal) {
      const loaded = edge.loaded(manifest)
      if (loaded !== undefined && !preparations.has(manifest.name)) return Promise.resolve(loaded)
      let preparation = preparations.get(manifest.name)
      if (preparation === undefined) {
        const controller = new AbortController()
        const promise = prepareModel(manifest, controller.signal).finally(() => preparations.delete(manifest.name))
        promise.catch(() => {}) // each caller handles its own copy
        preparation = { promise, controller }
        preparations.set(manifest.name, preparation)
      }
      return abortable(preparation.promise, signal)
    },
    async store(manifest, signal) {
      await edge.check(manifest)
      await download(manifest, signal)
      // A preparation beside this one has its own say.
      if (preparations.has(manifest.name) || edge.loaded(manifest) !== undefined) return
      setState(manifest, { status: 'stored', totalBytes: totalBytesOf(manifest) })
    },
    async remove(manifest) {
      preparations.get(manifest.name)?.controller.abort(new DOMException('The model was removed.', 'AbortError'))
      await edge.unload(manifest)
      await background.remove(manifest.name)
      setState(manifest, { status: 'absent' })
    },
    moved(manifest, loaded) {
      onLoaded(manifest, loaded, undefined)
      setState(manifest, { status: 'ready', totalBytes: totalBytesOf(manifest), backend: loaded.backend })
    },
    refresh() {
      for (const [name, state] of states) {
        const manifest = manifests.get(name)
        if (state.status !== 'ready' || manifest === undefined || edge.loaded(manifest) !== undefined) continue
        setState(manifest, { status: 'stored', totalBytes: state.totalBytes })
      }
    },
  }
}
