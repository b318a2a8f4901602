import type { Manifest } from '../../contracts/manifest.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import type { Background } from '../background/create-background.ts'
import type { ModelSource } from '../background/worker/background-types.ts'

/** Asks for the servers of a model's files, once for each revision. What cannot be told is asked again the next time. */
export function holdSources(
  background: Pick<Background, 'sources'>,
): (manifest: Manifest) => Promise<readonly ModelSource[]> {
  const held = new Map<string, Promise<readonly ModelSource[]>>()
  return (manifest) => {
    const key = modelKey(manifest)
    let asked = held.get(key)
    if (asked === undefined) {
      asked = background.sources(manifest.name, manifest.revision).catch(() => {
        held.delete(key)
        return []
      })
      held.set(key, asked)
    }
    return asked
  }
}
