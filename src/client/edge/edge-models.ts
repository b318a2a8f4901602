import type { Manifest } from '../../contracts/manifest.ts'
import type { ModelState, Progress } from '../../contracts/model-state.ts'
import type { EdgeEngine, LoadedModel } from '../../edge/edge-types.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { totalBytesOf } from '../../models/manifest/total-bytes.ts'
import type { Priority } from '../../models/transfer/transfer-slots.ts'
import { abortable } from '../../utils/abortable.ts'
import type { Background } from '../background/create-background.ts'

export interface PrepareOptions {
  readonly signal?: AbortSignal | undefined
  /** Default `waiting`: somebody waits for it. */
  readonly priority?: Priority | undefined
}

/** Where each model stands on this device, and what brings it further. */
export interface EdgeModels {
  state(manifest: Manifest): Promise<ModelState>
  /** Downloads, verifies and loads the model. Several callers share one preparation; it goes on when one of them aborts. */
  prepare(manifest: Manifest, options?: PrepareOptions): Promise<LoadedModel>
  /** Downloads and verifies the model without loading it. Shares the bytes with a preparation under way. */
  download(manifest: Manifest, options?: PrepareOptions): Promise<void>
  /** Ends what is under way for the model; its callers get the reason. What has arrived stays. */
  stop(manifest: Manifest, reason: unknown): Promise<void>
  /** Asks the store again where the model stands. */
  reread(name: string): Promise<void>
  remove(manifest: Manifest): Promise<void>
  /** The model must not run any more: ends what is under way for it, and unloads it. */
  withdraw(name: string, revision: string | undefined, reason: Error): Promise<void>
  /** The model answers from another backend than the one it was loaded on. */
  moved(manifest: Manifest, loaded: LoadedModel): void
  /** States may have changed because a worker died. */
  refresh(): void
}

export function createEdgeModels(options: {
  readonly background: Background
  readonly edge: EdgeEngine
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
    const stored = await background.storedState(manifest.name, manifest.revision)
    if (stored.status === 'stored') return stored
    const { paused } = await background.note(manifest.name)
    const loadedBytes = stored.status === 'partial' ? stored.loadedBytes : 0
    return paused ? { status: 'paused', loadedBytes, totalBytes: totalBytesOf(manifest) } : { status: 'absent' }
  }

  const install = async (
    manifest: Manifest,
    signal: AbortSignal,
    priority: Priority,
    prepareFor: () => Promise<void> = async () => {},
  ) => {
    const stored = await storedState(manifest)
    if (stored.status === 'stored') return
    if (stored.status === 'paused') throw downloadPaused(manifest)
    const report = (progress: Progress) => {
      if (signal.aborted) return
      setState(manifest, { status: 'downloading', ...progress })
      onProgress(manifest.name, progress)
    }
    report({ loadedBytes: 0, totalBytes: totalBytesOf(manifest) })
    await prepareFor()
    await background.install(manifest.name, manifest.revision, { signal, priority, onProgress: report })
    // What made room for it is not here any more.
    for (const [name, { status }] of states) if (status === 'stored' && name !== manifest.name) await reread(name)
  }

  const reread = async (name: string) => {
    const manifest = manifests.get(name)
    if (manifest !== undefined) setState(manifest, await storedState(manifest))
  }

  /** Does the work, and tells of its failure by the model's state. */
  const settling = async <T>(manifest: Manifest, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (thrown) {
      const { paused } = await background.note(manifest.name).catch(() => ({ paused: false }))
      // The worker ends the download; why, it does not know.
      const error = paused && isAbort(thrown) ? downloadPaused(manifest) : thrown
      if (signal.aborted || isPause(error)) {
        setState(manifest, await storedState(manifest).catch((): ModelState => ({ status: 'absent' })))
        throw signal.aborted ? signal.reason : error
      }
      const [code, message] = isHitherError(error)
        ? [error.code, error.message]
        : ['unknown', error instanceof Error ? error.message : String(error)]
      setState(manifest, { status: 'failed', code, message })
      throw error
    }
  }

  const prepareModel = (manifest: Manifest, signal: AbortSignal, priority: Priority): Promise<LoadedModel> =>
    settling(manifest, signal, async () => {
      const totalBytes = totalBytesOf(manifest)
      // What this device can't run is refused before a byte of it is fetched.
      await edge.check(manifest)
      await install(manifest, signal, priority, async () => {
        // What this device is good for is found out before the download; the runtime that it chose is fetched and
        // compiled beside it.
        await edge.measure()
        void edge.anticipate(manifest)
      })
      setState(manifest, { status: 'loading', totalBytes })
      const startedAt = performance.now()
      const loaded = await edge.load(manifest, () => background.readFiles(manifest.name, manifest.revision))
      onLoaded(manifest, loaded, performance.now() - startedAt)
      signal.throwIfAborted()
      setState(manifest, { status: 'ready', totalBytes, backend: loaded.backend })
      return loaded
    })

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
    prepare(manifest, { signal, priority = 'waiting' } = {}) {
      const loaded = edge.loaded(manifest)
      if (loaded !== undefined && !preparations.has(manifest.name)) return Promise.resolve(loaded)
      let preparation = preparations.get(manifest.name)
      if (preparation !== undefined && priority === 'waiting')
        void background.raise(manifest.name, manifest.revision).catch(() => {})
      if (preparation === undefined) {
        const controller = new AbortController()
        const promise = prepareModel(manifest, controller.signal, priority).finally(() =>
          preparations.delete(manifest.name),
        )
        promise.catch(() => {}) // each caller handles its own copy
        preparation = { promise, controller }
        preparations.set(manifest.name, preparation)
      }
      return abortable(preparation.promise, signal)
    },
    async download(manifest, { signal = new AbortController().signal, priority = 'waiting' } = {}) {
      if (edge.loaded(manifest) !== undefined) return
      await settling(manifest, signal, async () => {
        await edge.check(manifest)
        await install(manifest, signal, priority)
      })
      // A preparation beside this one has its own say.
      if (!preparations.has(manifest.name)) setState(manifest, await storedState(manifest))
    },
    async stop(manifest, reason) {
      preparations.get(manifest.name)?.controller.abort(reason)
      await background.stop(manifest.name, manifest.revision)
      const status = states.get(manifest.name)?.status
      if (status !== 'ready' && status !== 'loading') await reread(manifest.name)
    },
    reread,
    async remove(manifest) {
      preparations.get(manifest.name)?.controller.abort(new DOMException('The model was removed.', 'AbortError'))
      await edge.unload(manifest)
      await background.remove(manifest.name)
      setState(manifest, { status: 'absent' })
    },
    async withdraw(name, revision, reason) {
      const manifest = manifests.get(name)
      if (manifest === undefined || (revision ?? manifest.revision) !== manifest.revision) return
      preparations.get(name)?.controller.abort(reason)
      await edge.unload(manifest)
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

export const downloadPaused = ({ name }: Pick<Manifest, 'name'>) =>
  new ModelError('download-paused', `The download of ${name} is paused. Resume it to run the model on this device.`)

const isPause = (error: unknown): boolean => isHitherError(error) && error.code === 'download-paused'

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError'
