import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { type Catalog, catalogSchema } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { toDiskError } from './model-writer.ts'

const fileName = 'catalog.json'

/**
 * The catalogue of a folder of models; undefined where it has none, and its models are found by themselves.
 *
 * @throws {ModelError} `catalog-unavailable`: it can't be read
 */
async function readOwnCatalogue(modelsDir: string): Promise<Catalog | undefined> {
  const path = join(modelsDir, fileName)
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ModelError('catalog-unavailable', `${path} can't be read: it is no JSON.`, { cause })
  }
  if (v.is(catalogSchema, value)) return value
  throw new ModelError('catalog-unavailable', `${path} is no catalogue; mend it, or remove it.`)
}

/** Can a model be listed? @throws {ModelError} `catalog-unavailable` */
export const checkCatalogue = async (modelsDir: string): Promise<void> => void (await readOwnCatalogue(modelsDir))

/**
 * Lists a model in the catalogue of its folder, where that has one. The catalogue is replaced as a whole.
 *
 * @returns whether there is a catalogue
 * @throws {ModelError} `catalog-unavailable`, `storage-full`
 */
export async function listModel(modelsDir: string, name: string, revision: string): Promise<boolean> {
  const catalogue = await readOwnCatalogue(modelsDir)
  if (catalogue === undefined) return false
  const entry = { name, revision, manifest: `${name}/${revision}/manifest.json` }
  const { serial, models } = catalogue
  const others = models.filter((model) => model.name !== name || model.revision !== revision)
  // First, as the first of a name is the revision that answers. Devices refuse a catalogue that is older than the one they have seen.
  const listed = { ...catalogue, ...(serial === undefined ? {} : { serial: serial + 1 }), models: [entry, ...others] }
  const path = join(modelsDir, fileName)
  try {
    await writeFile(`${path}.new`, `${JSON.stringify(listed, null, 2)}\n`)
    await rename(`${path}.new`, path)
  } catch (error) {
    throw toDiskError(error, modelsDir)
  }
  return true
}
