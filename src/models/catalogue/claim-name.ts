import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { toModelName } from '../onnx/draft-manifest.ts'
import type { ModelStore } from '../store/model-store.ts'
import type { ModelRegistry } from './model-registry.ts'

/** What a model is to be called. */
export interface WishedName {
  readonly name: string
  /** The person wrote this very word: another model's is not a number away. */
  readonly isExact: boolean
}

/** What hubs and exporters call every graph: it names no model. */
const namesNothing = 'model'
const longest = 100
/** More models of one name than anybody has. */
const mostNumbered = 10_000

/** The name that is drawn from a file's or a repository's, or the one that was given. */
export function wishName(given: string | undefined, drawnFrom: string): WishedName {
  if (given !== undefined) return { name: given, isExact: true }
  const name = toModelName(drawnFrom)
  const stem = drawnFrom.replace(/\.onnx$/i, '')
  // Where letters were lost, two different names may have become one word.
  return { name, isExact: name === stem && name !== namesNothing }
}

const numbered = (name: string, count: number): string => {
  const ending = count === 1 ? '' : `-${count}`
  return name.slice(0, longest - ending.length) + ending
}

/** Is the name the wished one, or the wished one with a number? */
const isOfFamily = (name: string, wished: string): boolean => {
  const count = Number(/-(\d+)$/.exec(name)?.[1] ?? 1)
  return name === wished || name === numbered(wished, count)
}

/** The same bytes are the same model: its graph and its weights, whatever their names. */
export const hasFiles = (manifest: Manifest, files: readonly ModelFile[]): boolean =>
  files.every(({ sha256, bytes }) => manifest.files.some((known) => known.sha256 === sha256 && known.bytes === bytes))

/** That another model has the name, and which one is free. */
export async function modelExists(name: string, registry: Pick<ModelRegistry, 'ownerOf'>): Promise<ValidationError> {
  let free = name
  for (let count = 2; count < mostNumbered; count += 1) {
    free = numbered(name, count)
    if ((await registry.ownerOf(free)) === undefined) break
  }
  return new ValidationError(
    'model-exists',
    `There is another model called “${name}”, and it was left as it is. Choose another name, such as “${free}”, or remove that model first.`,
    { context: { name, free } },
  )
}

/**
 * Has a model added under a name that no other model has: the same bytes under the same name are the same model, other
 * bytes never take a name's place. The name is held meanwhile, in all tabs.
 *
 * @param files what tells the model from others
 * @param add does so; `known` is the model of the same bytes, where there is one
 * @returns the name
 * @throws {ValidationError} `model-exists`; `context.free` is a name that is free
 */
export async function claimName(
  wished: WishedName,
  files: readonly ModelFile[],
  options: {
    readonly store: Pick<ModelStore, 'holdName'>
    readonly registry: Pick<ModelRegistry, 'ownerOf' | 'added'>
    readonly signal: AbortSignal
  },
  add: (name: string, known: Manifest | undefined) => Promise<void>,
): Promise<string> {
  const { store, registry, signal } = options
  const claim = (name: string): Promise<boolean> =>
    store.holdName(
      name,
      async () => {
        const owner = await registry.ownerOf(name)
        if (owner === 'listed' || (owner !== undefined && !hasFiles(owner, files))) return false
        await add(name, owner)
        return true
      },
      signal,
    )

  if (wished.isExact) {
    if (await claim(wished.name)) return wished.name
    throw await modelExists(wished.name, registry)
  }
  const same = (await registry.added()).find((known) => isOfFamily(known.name, wished.name) && hasFiles(known, files))
  if (same !== undefined && (await claim(same.name))) return same.name
  for (let count = 1; count < mostNumbered; count += 1) {
    const name = numbered(wished.name, count)
    if (await claim(name)) return name
  }
  throw await modelExists(wished.name, registry)
}
