import { readdir, readFile, stat } from 'node:fs/promises'
import { join, posix, resolve } from 'node:path'
import * as v from 'valibot'
import { type Catalog, catalogSchema, type Manifest, manifestSchema } from '../../contracts/manifest.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { type VerifiedFiles, verifyFiles } from './verify-files.ts'

/** A model below the models' folder, verified or refused. */
export interface ModelRecord {
  readonly name: string
  readonly revision: string
  /** Path of its manifest below the models' folder; absent when the catalogue's address for it leads out of there. */
  readonly manifestPath?: string
  /** Absent when it could not be read. */
  readonly manifest?: Manifest
  readonly state: ReadyState | RefusedState
}

interface RefusedState {
  readonly status: 'refused'
  readonly reason: string
  /** Nothing is wrong with it: browsers fetch its files from somewhere else. */
  readonly elsewhere?: boolean
  /** The catalogue says that it must not run any more. */
  readonly withdrawn?: boolean
}

interface ReadyState extends VerifiedFiles {
  readonly status: 'ready'
}

/** A model that can run. */
export type ReadyModel = ModelRecord & { readonly manifest: Manifest; readonly state: ReadyState }

/** Are its files meant to be fetched from somewhere else, by browsers? */
export const isElsewhere = ({ state }: ModelRecord): boolean => state.status === 'refused' && state.elsewhere === true

export interface Models {
  /** In the catalogue's order; of a folder without one by name, the newest revision's name first. */
  readonly records: readonly ModelRecord[]
  readonly catalog: Catalog
}

type Entry = Catalog['models'][number]

/**
 * Reads `catalog.json` in `modelsDir`, or finds the manifests in it when there is none, and verifies every file of
 * every model. A model whose files are not what its manifest says is refused; the others still serve.
 *
 * @param only reads the models of this name alone; the catalogue is whole all the same
 * @throws {ModelError} `catalog-unavailable`: the folder or its catalogue can't be read
 */
export async function loadModels(modelsDir: string, only?: string): Promise<Models> {
  const root = resolve(modelsDir)
  const catalog = await readCatalogue(root)
  const records: ModelRecord[] = []
  const gone: ModelRecord[] = []
  for (const entry of catalog.models) {
    if (only !== undefined && entry.name !== only) continue
    const withdrawal = catalog.withdrawn?.find(
      ({ name, revision }) => name === entry.name && revision === entry.revision,
    )
    if (withdrawal !== undefined) {
      gone.push(withdraw(entry, withdrawal.reason))
      continue
    }
    const twice = records.some(({ name, revision }) => name === entry.name && revision === entry.revision)
    records.push(twice ? refuse(entry, 'it is in the catalogue twice') : await loadModel(root, entry))
  }
  // The first of a name is the one that answers.
  return { records: [...records, ...gone], catalog }
}

/**
 * The catalogue in a folder, or one of the manifests that are found in it.
 *
 * @throws {ModelError} `catalog-unavailable`
 */
export async function readCatalogue(modelsDir: string): Promise<Catalog> {
  const root = resolve(modelsDir)
  return (await readCatalog(root)) ?? (await findModels(root))
}

async function readCatalog(root: string): Promise<Catalog | undefined> {
  const unavailable = (why: string, cause?: unknown) =>
    new ModelError('catalog-unavailable', `The models in ${root} can't be read: ${why}.`, { cause })
  const folder = await stat(root).catch(() => undefined)
  if (folder?.isDirectory() !== true) throw unavailable('there is no such folder')
  const text = await readFile(join(root, 'catalog.json'), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw unavailable('catalog.json can not be opened', cause)
  })
  if (text === undefined) return undefined
  try {
    return v.parse(catalogSchema, JSON.parse(text))
  } catch (cause) {
    throw unavailable('catalog.json is no catalogue', cause)
  }
}

async function findModels(root: string): Promise<Catalog> {
  const models: Entry[] = []
  for (const name of (await foldersOf(root)).sort()) {
    const revisions = await foldersOf(join(root, name))
    for (const revision of revisions.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))) {
      const manifest = posix.join(name, revision, 'manifest.json')
      if (await stat(join(root, manifest)).catch(() => undefined)) models.push({ name, revision, manifest })
    }
  }
  return { format: 1, models }
}

async function foldersOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => !entry.isFile()).map(({ name }) => name)
}

async function loadModel(root: string, entry: Entry): Promise<ModelRecord> {
  const manifestPath = toPath(entry.manifest)
  if (manifestPath === undefined) return refuse(entry, 'its manifest does not lie below the catalogue')
  let manifest: Manifest
  try {
    manifest = v.parse(manifestSchema, JSON.parse(await readFile(join(root, manifestPath), 'utf8')))
  } catch (error) {
    const why = v.isValiError(error) ? `is invalid (${error.message})` : "can't be read"
    return { ...refuse(entry, `its manifest ${why}`), manifestPath }
  }
  const known = { name: entry.name, revision: entry.revision, manifestPath, manifest }
  if (manifest.name !== entry.name || manifest.revision !== entry.revision) {
    return { ...known, ...refuse(entry, `its manifest is that of ${manifest.name} ${manifest.revision}`) }
  }
  try {
    const files = await verifyFiles(join(root, posix.dirname(manifestPath)), manifest)
    return { ...known, state: { status: 'ready', ...files } }
  } catch (error) {
    if (isHitherError(error)) return { ...known, ...refuse(entry, error.message) }
    // It can still come to browsers; to run here, its files must be here.
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const elsewhere = isMissing && manifest.files.some(({ urls }) => urls !== undefined)
    if (!elsewhere) return { ...known, ...refuse(entry, "a file of it can't be read") }
    const { state } = refuse(entry, 'its files lie elsewhere; put them beside its manifest')
    return { ...known, state: { ...state, elsewhere } }
  }
}

/** A manifest's path below the catalogue's folder; undefined for an address that leads out of it. */
function toPath(address: string): string | undefined {
  const path = posix.normalize(address)
  return /^[A-Za-z0-9._/-]+$/.test(path) && !path.startsWith('/') && !path.startsWith('..') ? path : undefined
}

const refuse = ({ name, revision }: Entry, reason: string): ModelRecord & { readonly state: RefusedState } => ({
  name,
  revision,
  state: { status: 'refused', reason: `The model ${name} is not served: ${reason}.` },
})

function withdraw(entry: Entry, reason = ''): ModelRecord {
  const { state, ...names } = refuse(entry, `its revision ${entry.revision} was withdrawn${reason && `, ${reason}`}`)
  return { ...names, state: { ...state, withdrawn: true } }
}
