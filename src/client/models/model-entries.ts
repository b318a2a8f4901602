import { totalBytesOf } from '../../models/manifest/total-bytes.ts'
import { given } from '../../utils/given.ts'
import type { Background } from '../background/create-background.ts'
import type { EdgeModels } from '../edge/edge-models.ts'
import type { ModelEntry, ModelsApi } from '../types/models-types.ts'

/** The models as a page lists them. */
export interface ModelEntries {
  of(name: string): Promise<ModelEntry>
  readonly list: ModelsApi['list']
}

export function createModelEntries(parts: {
  readonly background: Background
  readonly edgeModels: EdgeModels
  readonly open: () => Promise<void>
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal
}): ModelEntries {
  const { background, edgeModels, open, closing } = parts

  const entryOf = async (name: string): Promise<ModelEntry> => {
    const [manifest, note] = [await background.manifest(name), await background.note(name)]
    const { revision, title, description, task, license, precision, variant, generation } = manifest
    const writes = generation && (generation.chatTemplate === undefined ? ('text' as const) : ('chat' as const))
    return {
      name,
      revision,
      title,
      description,
      task,
      license: {
        name: license.name,
        ...given({ url: license.url }),
        mustAccept: license.mustAccept === true,
        accepted: note.accepted?.includes(revision) === true,
      },
      totalBytes: totalBytesOf(manifest),
      state: await edgeModels.state(manifest),
      pinned: note.pinned === true,
      added: note.added !== undefined,
      ...given({ writes, precision, variant }),
    }
  }

  return {
    of: entryOf,
    async list({ signal } = {}) {
      signal?.throwIfAborted()
      await open()
      const entries = (await background.models()).map((name) =>
        // One model that cannot be described does not hide the others.
        entryOf(name).catch(() => undefined),
      )
      const found = (await Promise.all(entries)).filter((entry) => entry !== undefined)
      // A client that is being closed can't describe its models; they are not gone from the catalogue.
      closing.throwIfAborted()
      if (found.length === 0 && entries.length > 0) await entryOf((await background.models())[0] ?? '')
      return found
    },
  }
}
