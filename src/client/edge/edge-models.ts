import type { Manifest } from '../../contracts/manifest.ts'
import type { ModelState, Progress } from '../../contracts/model-state.ts'
import type { EdgeEngine, LoadedModel } from '../../edge/edge-types.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { totalBytesOf } from '../../models/manifest/total-bytes.ts'
import type { Priority } from '../../models/transfer/transfer-slots.ts'
import { abortable } from '../../utils/abortable.ts'
import type { Background } from '../background/create-background.ts'
import { createModelStates } from './model-states.ts'
import { createModelPreparer } from './prepare-model.ts'

/** There is no model of this name, or not any more. */
const isGone = (error: unknown): boolean =>
  isHitherError(error) && (error.code === 'unknown-model' || error.code === 'model-withdrawn')

export interface PrepareOptions {
  readonly signal?: AbortSignal | undefined
  /** Default `waiting`: somebody waits for it. */
  readonly priority?: Priority | undefined
}

/** The models on this device: their states, and the work that changes them. */
export interface EdgeModels {
  state(manifest: Manifest): Promise<ModelState>
  /** Milliseconds since the model began to be loaded from its stored files; 0 while it is not being loaded. */
  loadingForMs(manifest: Manifest): number
  /** Downloads, verifies and loads the model. Several callers share one preparation; it goes on when one of them aborts. */
  prepare(manifest: Manifest, options?: PrepareOptions): Promise<LoadedModel>
  /** Downloads and verifies the model without loading it. Shares the bytes with a preparation under way. */
  download(manifest: Manifest, options?: PrepareOptions): Promise<void>
  /** Ends what is under way for the model; its callers get the reason. What has arrived stays. */
  stop(manifest: Manifest, reason: unknown): Promise<void>
  /** Asks the store again where the model stands. */
  reread(name: string): Promise<void>
  /** Frees the model's memory and its stored bytes, also of one that no list shows any more. */
  remove(name: string): Promise<void>
  /** Another tab added, replaced or removed these models, or any: what serves no more is unloaded here. Never rejects. */
  changedElsewhere(names: readonly string[] | undefined): Promise<void>
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
  /** @param loadMs reading, compiling and warming up; undefined when it moved to another backend while it answered */
  readonly onLoaded: (manifest: Manifest, loaded: LoadedModel, loadMs: number | undefined) => void
  /** Bytes of the model were fetched, checked and stored in so many milliseconds. */
  readonly onInstalled: (manifest: Manifest, installed: { readonly bytes: number; readonly ms: number }) => void
}): EdgeModels {
  const { background, edge, onState, onProgress, onLoaded, onInstalled } = options
  const states = createModelStates(background, onState)
  const preparations = new Map<
    string,
    { readonly promise: Promise<LoadedModel>; readonly controller: AbortController }
  >()

  /** Lets go of what this tab has of a model, where another tab has replaced or removed it. */
  const lookAgain = async (name: string): Promise<void> => {
    const before = states.manifest(name)
    if (before === undefined) return
    try {
      const now = await background.manifest(name).catch((error) => {
        if (isGone(error)) return undefined
        throw error
      })
      if (now?.revision === before.revision) return
      const what = now === undefined ? 'removed' : 'replaced'
      const reason = new ValidationError('unknown-model', `The model "${name}" was ${what} in another tab.`)
      preparations.get(name)?.controller.abort(reason)
      await edge.unload(before)
      if (now === undefined) states.forget(name)
      else states.set(now, await states.stored(now))
    } catch {
      // Where the store can't be read, the next request meets the same.
    }
  }

  const preparer = createModelPreparer({ background, edge, states, onProgress, onLoaded, onInstalled })

  return {
    async state(manifest) {
      const known = states.knownOf(manifest)
      const loaded = edge.loaded(manifest)
      // Another tab may have loaded it in the engine that the tabs share.
      if (loaded !== undefined && known?.status !== 'ready' && !preparations.has(manifest.name)) {
        const state: ModelState = { status: 'ready', totalBytes: totalBytesOf(manifest), backend: loaded.backend }
        states.set(manifest, state)
        return state
      }
      if (known !== undefined) return known
      const state = await states.stored(manifest)
      const newer = states.knownOf(manifest)
      if (newer === undefined) states.set(manifest, state)
      return newer ?? state
    },
    loadingForMs: ({ name }) => states.loadingForMs(name),
    prepare(manifest, { signal, priority = 'waiting' } = {}) {
      const loaded = edge.loaded(manifest)
      if (loaded !== undefined && !preparations.has(manifest.name)) return Promise.resolve(loaded)
      let preparation = preparations.get(manifest.name)
      if (preparation !== undefined && priority === 'waiting')
        void background.raise(manifest.name, manifest.revision).catch(() => {})
      if (preparation === undefined) {
        const controller = new AbortController()
        const promise = preparer
          .prepare(manifest, controller.signal, priority)
          .finally(() => preparations.delete(manifest.name))
        promise.catch(() => {}) // each caller handles its own copy
        preparation = { promise, controller }
        preparations.set(manifest.name, preparation)
      }
      return abortable(preparation.promise, signal)
    },
    async download(manifest, { signal = new AbortController().signal, priority = 'waiting' } = {}) {
      if (edge.loaded(manifest) !== undefined) return
      await preparer.download(manifest, signal, priority)
      // A preparation under way sets the state itself.
      if (!preparations.has(manifest.name)) states.set(manifest, await states.stored(manifest))
    },
    async stop(manifest, reason) {
      preparations.get(manifest.name)?.controller.abort(reason)
      await background.stop(manifest.name, manifest.revision)
      const status = states.known(manifest.name)?.status
      if (status !== 'ready' && status !== 'loading') await states.reread(manifest.name)
    },
    reread: states.reread,
    async remove(name) {
      const manifest = await background.manifest(name).catch((error) => {
        if (isGone(error)) return undefined
        throw error
      })
      preparations.get(name)?.controller.abort(new DOMException('The model was removed.', 'AbortError'))
      // Before it is unloaded: a run of another tab would load it again from what is stored.
      await background.remove(name)
      for (const old of [manifest, states.manifest(name)]) if (old !== undefined) await edge.unload(old)
      states.forget(name)
    },
    async changedElsewhere(names) {
      await Promise.all((names ?? states.names()).map(lookAgain))
    },
    async withdraw(name, revision, reason) {
      const manifest = states.manifest(name)
      if (manifest === undefined || (revision ?? manifest.revision) !== manifest.revision) return
      preparations.get(name)?.controller.abort(reason)
      await edge.unload(manifest)
      states.set(manifest, { status: 'absent' })
    },
    moved(manifest, loaded) {
      onLoaded(manifest, loaded, undefined)
      states.set(manifest, { status: 'ready', totalBytes: totalBytesOf(manifest), backend: loaded.backend })
    },
    refresh: () => states.unloaded((manifest) => edge.loaded(manifest) !== undefined),
  }
}
