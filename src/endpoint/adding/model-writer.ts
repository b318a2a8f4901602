import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ModelFile } from '../../contracts/manifest.ts'
import { ConfigError } from '../../errors/config-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { describeFile } from '../../models/manifest/describe-file.ts'

/** A model that is being written, out of sight until it is whole. */
export interface ModelWriter {
  /** A path in its folder, which is moved with it. */
  path(name: string): string
  /** Writes a file, and describes it for a manifest. @throws the signal's reason; as `createModelWriter` */
  write(path: string, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<ModelFile>
  remove(path: string): Promise<void>
  /** Puts all of it in its place at once. @throws {ValidationError} `model-exists` */
  finish(): Promise<void>
  /** Takes back what was written, unless it was finished. */
  discard(): Promise<void>
}

const begin = '.adding-'
/** A folder of a process that was killed, and that nobody has touched for an hour. */
const staleMs = 3_600_000

const newHash = () => {
  const hash = createHash('sha256')
  return { update: (bytes: Uint8Array) => void hash.update(bytes), digest: () => hash.digest('hex') }
}

/** A sentence for what a disk refuses. */
export function toDiskError(error: unknown, folder: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ModelError('storage-full', `There is no room left in ${folder}.`, { cause: error })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR') {
    return new ConfigError('config-invalid', `${folder} can't be written: ${code}.`, { cause: error })
  }
  return error
}

async function removeStale(modelsDir: string, nowMs: number): Promise<void> {
  for (const name of await readdir(modelsDir).catch(() => [])) {
    if (!name.startsWith(begin)) continue
    const path = join(modelsDir, name)
    const facts = await stat(path).catch(() => undefined)
    if (facts !== undefined && nowMs - facts.mtimeMs > staleMs) await rm(path, { recursive: true, force: true })
  }
}

/**
 * Begins a model `name`/`revision` in a folder of models.
 *
 * @throws {ValidationError} `model-exists`: there is one already
 * @throws {ConfigError} `config-invalid`: the folder can't be written
 * @throws {ModelError} `storage-full`
 */
export async function createModelWriter(
  modelsDir: string,
  name: string,
  revision: string,
  nowMs = Date.now(),
): Promise<ModelWriter> {
  const target = join(modelsDir, name, revision)
  const own = join(modelsDir, `${begin}${process.pid}-${randomUUID()}`)
  const exists = () =>
    new ValidationError(
      'model-exists',
      `There is a model ${name} ${revision} in ${modelsDir} already; choose another name with --name, or remove its folder.`,
    )
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw toDiskError(error, modelsDir)
    }
  }
  const isThere = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    )
  if (await isThere(target)) throw exists()
  await guarded(() => mkdir(own, { recursive: true }))
  await removeStale(modelsDir, nowMs)

  return {
    path: (file) => join(own, file),
    write: (path, pieces, signal) =>
      guarded(async () => {
        const to = join(own, path)
        await mkdir(dirname(to), { recursive: true })
        const description = describeFile(path, { newHash })
        const file = await open(to, 'wx')
        try {
          for await (const piece of pieces) {
            signal.throwIfAborted()
            description.take(piece)
            await file.writeFile(piece)
          }
          await file.sync()
        } finally {
          await file.close()
        }
        return description.whole()
      }),
    remove: (path) => rm(join(own, path), { force: true }),
    finish: () =>
      guarded(async () => {
        await mkdir(dirname(target), { recursive: true })
        // An empty folder would be replaced without a word.
        if (await isThere(target)) throw exists()
        await rename(own, target)
      }),
    discard: () => rm(own, { recursive: true, force: true }),
  }
}
