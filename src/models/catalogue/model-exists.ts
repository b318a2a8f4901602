import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { ModelRegistry } from './model-registry.ts'

const longest = 100
/** More models of one name than anybody has. */
export const mostNumbered = 10_000

/** The name with a number, within what a name may have. */
export const numbered = (name: string, count: number): string => {
  const ending = count === 1 ? '' : `-${count}`
  return name.slice(0, longest - ending.length) + ending
}

const isSameFile = (a: ModelFile, b: ModelFile): boolean => a.sha256 === b.sha256 && a.bytes === b.bytes

/**
 * The same bytes are the same model: its graph and its weights, whatever their names. The same weights in each other's
 * place are another one.
 */
export const hasFiles = (manifest: Manifest, files: readonly ModelFile[]): boolean =>
  files.every(
    (file) =>
      manifest.files.some((known) => isSameFile(known, file)) &&
      manifest.files.every((known) => known.path !== file.path || isSameFile(known, file)),
  )

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
