import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import { toModelName } from '../onnx/draft-manifest.ts'
import type { ModelStore } from '../store/model-store.ts'
import { hasFiles, modelExists, mostNumbered, numbered } from './model-exists.ts'
import type { ModelRegistry } from './model-registry.ts'

/** What a model is to be called. */
export interface WishedName {
  readonly name: string
  /**
   * `chosen`: somebody gave this very word. `spelled`: a file's name is this word. `vague`: letters of it were lost, so that
   * two different names may have become one word, or it names nothing.
   */
  readonly kind: 'chosen' | 'spelled' | 'vague'
}

/** What hubs and exporters call every graph: it names no model. */
const namesNothing = 'model'
/** The name that is drawn from a file's or a repository's, or the one that was given. */
export function wishName(given: string | undefined, drawnFrom: string): WishedName {
  if (given !== undefined) return { name: given, kind: 'chosen' }
  const name = toModelName(drawnFrom)
  const stem = drawnFrom.replace(/\.onnx$/i, '')
  return { name, kind: name === stem && name !== namesNothing ? 'spelled' : 'vague' }
}

/** Is the name the wished one, or the wished one with a number? */
const isOfFamily = (name: string, wished: string): boolean => {
  const count = Number(/-(\d+)$/.exec(name)?.[1] ?? 1)
  return name === wished || name === numbered(wished, count)
}

/**
 * Has a model added under a name that no other model has. The same bytes under the same name are the same model. Other
 * bytes get a number, where both names were drawn from files; a name that was chosen, or that the catalogue has, is no
 * number away from another. The name is held meanwhile, in all tabs.
 *
 * @param files what tells the model from others
 * @param add does so; `known` is the model of the same bytes, where there is one
 * @returns the name
 * @throws {ValidationError} `model-exists`; `context.free` is a name that is free
 */
export async function claimName(
  { name: wished, kind }: WishedName,
  files: readonly ModelFile[],
  options: {
    readonly store: Pick<ModelStore, 'holdName'>
    readonly registry: Pick<ModelRegistry, 'ownerOf' | 'added'>
    readonly signal: AbortSignal
  },
  add: (name: string, known: Manifest | undefined, isNamed: boolean) => Promise<void>,
): Promise<string> {
  const { store, registry, signal } = options
  const claim = (name: string): Promise<'claimed' | 'drawn' | 'kept'> =>
    store.holdName(
      name,
      async () => {
        const owner = await registry.ownerOf(name)
        if (owner === 'listed') return 'kept'
        if (owner !== undefined && !hasFiles(owner.manifest, files)) return owner.isNamed ? 'kept' : 'drawn'
        await add(name, owner?.manifest, kind === 'chosen' || owner?.isNamed === true)
        return 'claimed'
      },
      signal,
    )

  if (kind !== 'chosen') {
    const same = (await registry.added()).find((known) => isOfFamily(known.name, wished) && hasFiles(known, files))
    if (same !== undefined && (await claim(same.name)) === 'claimed') return same.name
  }
  for (let count = 1; count < mostNumbered; count += 1) {
    const name = numbered(wished, count)
    const claimed = await claim(name)
    if (claimed === 'claimed') return name
    if (kind === 'chosen' || (kind === 'spelled' && count === 1 && claimed === 'kept')) break
  }
  throw await modelExists(wished, registry)
}
