import type { Manifest } from '../../contracts/manifest.ts'
import type { ModelState } from '../../contracts/model-state.ts'
import { totalBytesOf } from '../../models/manifest/total-bytes.ts'
import type { Background } from '../background/create-background.ts'

/** The state of each model that was asked about, as it was last seen. */
export interface ModelStates {
  /** Undefined before the model was asked about. */
  known(name: string): ModelState | undefined
  /** The same, of this very revision: another one that served before says nothing of it. */
  knownOf(manifest: Manifest): ModelState | undefined
  /** Every model that was asked about. */
  names(): readonly string[]
  /** The model was removed: it counts as never asked about. */
  forget(name: string): void
  /** Milliseconds since its state became `loading`; 0 where it is another. */
  loadingForMs(name: string): number
  /** The manifest that the state is of. */
  manifest(name: string): Manifest | undefined
  set(manifest: Manifest, state: ModelState): void
  /** The state by the store alone. */
  stored(manifest: Manifest): Promise<ModelState>
  /** Sets a known model's state by the store. */
  reread(name: string): Promise<void>
  /** Does so for each model that counts as stored, except one. */
  rereadStored(except: string): Promise<void>
  /** Ready models that are not loaded any more count as stored. */
  unloaded(isLoaded: (manifest: Manifest) => boolean): void
}

export function createModelStates(
  background: Pick<Background, 'storedState' | 'note'>,
  onState: (model: string, state: ModelState) => void,
  nowMs: () => number = () => performance.now(),
): ModelStates {
  const states = new Map<string, { readonly manifest: Manifest; readonly state: ModelState; readonly atMs: number }>()

  const set = (manifest: Manifest, state: ModelState) => {
    states.set(manifest.name, { manifest, state, atMs: nowMs() })
    onState(manifest.name, state)
  }
  const stored = async (manifest: Manifest): Promise<ModelState> => {
    const found = await background.storedState(manifest.name, manifest.revision)
    if (found.status === 'stored') return found
    const { paused } = await background.note(manifest.name)
    const loadedBytes = found.status === 'partial' ? found.loadedBytes : 0
    return paused ? { status: 'paused', loadedBytes, totalBytes: totalBytesOf(manifest) } : { status: 'absent' }
  }
  const reread = async (name: string) => {
    const manifest = states.get(name)?.manifest
    if (manifest !== undefined) set(manifest, await stored(manifest))
  }

  return {
    known: (name) => states.get(name)?.state,
    knownOf({ name, revision }) {
      const known = states.get(name)
      return known?.manifest.revision === revision ? known.state : undefined
    },
    names: () => [...states.keys()],
    forget(name) {
      const manifest = states.get(name)?.manifest
      if (manifest !== undefined) set(manifest, { status: 'absent' })
      states.delete(name)
    },
    loadingForMs(name) {
      const known = states.get(name)
      return known?.state.status === 'loading' ? nowMs() - known.atMs : 0
    },
    manifest: (name) => states.get(name)?.manifest,
    set,
    stored,
    reread,
    async rereadStored(except) {
      for (const [name, { state }] of states) if (state.status === 'stored' && name !== except) await reread(name)
    },
    unloaded(isLoaded) {
      for (const { manifest, state } of states.values()) {
        if (state.status === 'ready' && !isLoaded(manifest)) {
          set(manifest, { status: 'stored', totalBytes: state.totalBytes })
        }
      }
    },
  }
}
