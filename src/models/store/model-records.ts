import * as v from 'valibot'
import { type Manifest, type ModelFile, manifestSchema, modelFileSchema } from '../../contracts/manifest.ts'
import { object } from '../../contracts/object-schemas.ts'
import type { KeyValueStore } from '../chunks/key-value-store.ts'
import type { StoredFile } from '../chunks/stored-file.ts'
import { modelKey } from '../manifest/model-key.ts'

const sha256Schema = modelFileSchema.entries.sha256

const storedFileSchema = object({
  ...modelFileSchema.entries,
  chunkBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  chunks: v.array(sha256Schema),
})

/** Written once every file is stored and verified: without it, a model is not there. */
const modelRecordSchema = object({
  format: v.literal(1),
  name: v.string(),
  revision: v.string(),
  /** Address that the files' paths are relative to: where a damaged chunk is fetched again. */
  baseUrl: v.string(),
  storedAtMs: v.number(),
  /** What the files were stored as: it still serves when the catalogue has a newer revision, or is out of reach. */
  manifest: v.optional(manifestSchema),
  files: v.array(
    v.pipe(
      storedFileSchema,
      v.check((file) => file.chunks.length === Math.ceil(file.bytes / file.chunkBytes)),
    ),
  ),
})

export type ModelRecord = v.InferOutput<typeof modelRecordSchema>

export interface ModelRecords {
  /** The record of exactly this manifest's files; one of other files under the same name counts as none. */
  get(manifest: Manifest): Promise<ModelRecord | undefined>
  all(): Promise<readonly ModelRecord[]>
  /** The record of this name and revision, whatever its files. */
  find(model: Pick<Manifest, 'name' | 'revision'>): Promise<ModelRecord | undefined>
  /** How a file lies in the store, if any stored model has it. */
  findFile(file: ModelFile): Promise<StoredFile | undefined>
  put(record: ModelRecord): Promise<void>
  del(model: Pick<Manifest, 'name' | 'revision'>): Promise<void>
}

const prefix = 'model/'

export function createModelRecords(store: KeyValueStore): ModelRecords {
  const read = async (key: string): Promise<ModelRecord | undefined> => {
    const { success, output } = v.safeParse(modelRecordSchema, await store.get(key))
    return success ? output : undefined
  }
  const all = async () => {
    const records = await Promise.all((await store.keys(prefix)).map(read))
    return records.filter((record) => record !== undefined)
  }
  return {
    async get(manifest) {
      const record = await read(prefix + modelKey(manifest))
      const isSame =
        record?.files.length === manifest.files.length &&
        manifest.files.every((file, index) => {
          const stored = record.files[index]
          return stored?.path === file.path && stored.bytes === file.bytes && stored.sha256 === file.sha256
        })
      return isSame ? record : undefined
    },
    all,
    find: (model) => read(prefix + modelKey(model)),
    async findFile({ sha256, bytes }) {
      for (const record of await all()) {
        const known = record.files.find((file) => file.sha256 === sha256 && file.bytes === bytes)
        if (known !== undefined) return known
      }
      return undefined
    },
    put: (record) => store.set(prefix + modelKey(record), record),
    del: (manifest) => store.del([prefix + modelKey(manifest)]),
  }
}
