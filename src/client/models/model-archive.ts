import type { Manifest } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { toJson } from '../../utils/to-json.ts'
import type { Background } from '../background/create-background.ts'
import { bytesToBlob, describeGiven, isBlob, isFolder, openHandle, toGivenError } from './read-add-source.ts'

/** Bytes read at a time: a chunk of the store. */
const stepBytes = 8 * 1024 * 1024
const manifestName = 'manifest.json'

type ReadBytes = Background['readBytes']

/** A stored file as a stream, read as fast as it is taken. */
function streamOf(
  manifest: Manifest,
  file: { readonly path: string; readonly bytes: number },
  readBytes: ReadBytes,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0
  return new ReadableStream(
    {
      async pull(controller) {
        signal?.throwIfAborted()
        const end = Math.min(file.bytes, at + stepBytes)
        controller.enqueue(await readBytes(manifest.name, manifest.revision, file.path, at, end))
        at = end
        if (at === file.bytes) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

const manifestBlob = (manifest: Manifest) => new Blob([toJson(manifest, 2)], { type: 'application/json' })

/** Loaded when it is needed: most visits neither export nor import. Its own workers would start from blob: addresses. */
async function loadZip() {
  const zip = await import('@zip.js/zip.js')
  zip.configure({ useWebWorkers: false })
  return zip
}

/** Writes a model into `folder/name/revision/`. */
export async function exportToFolder(
  manifest: Manifest,
  folder: FileSystemDirectoryHandle,
  readBytes: ReadBytes,
  signal: AbortSignal | undefined,
): Promise<void> {
  const own = await openFolder(folder, [manifest.name, manifest.revision])
  for (const file of manifest.files) {
    const path = file.path.split('/')
    const parent = await openFolder(own, path.slice(0, -1))
    const target = await (await parent.getFileHandle(path.at(-1) ?? '', { create: true })).createWritable()
    await streamOf(manifest, file, readBytes, signal).pipeTo(target, signal === undefined ? {} : { signal })
  }
  // Last, so that a folder that was cut short is no model.
  const target = await (await own.getFileHandle(manifestName, { create: true })).createWritable()
  await manifestBlob(manifest).stream().pipeTo(target)
}

async function openFolder(folder: FileSystemDirectoryHandle, path: readonly string[]) {
  let current = folder
  for (const name of path) current = await current.getDirectoryHandle(name, { create: true })
  return current
}

/** A model as a .zip. Weights do not compress, so its files are stored as they are. */
export async function exportToZip(
  manifest: Manifest,
  readBytes: ReadBytes,
  signal: AbortSignal | undefined,
): Promise<Blob> {
  const { BlobWriter, ZipWriter } = await loadZip()
  const writer = new ZipWriter(new BlobWriter('application/zip'), { level: 0, ...(signal && { signal }) })
  const folder = `${manifest.name}/${manifest.revision}`
  for (const file of manifest.files) {
    await writer.add(`${folder}/${file.path}`, streamOf(manifest, file, readBytes, signal))
  }
  await writer.add(`${folder}/${manifestName}`, manifestBlob(manifest).stream())
  return writer.close()
}

/** A file of an archive, opened when it is wanted. */
export interface ArchiveFile {
  readonly path: string
  readonly open: () => Promise<Blob>
}

/** The files of a folder, at any depth. */
async function filesOfFolder(folder: FileSystemDirectoryHandle, prefix = ''): Promise<readonly ArchiveFile[]> {
  const files: ArchiveFile[] = []
  for await (const handle of folder.values()) {
    const path = `${prefix}${handle.name}`
    if (handle.kind === 'directory') {
      files.push(...(await filesOfFolder(handle as FileSystemDirectoryHandle, `${path}/`)))
    } else files.push({ path, open: () => (handle as FileSystemFileHandle).getFile() })
  }
  return files
}

async function filesOfZip(blob: Blob): Promise<readonly ArchiveFile[]> {
  const { BlobReader, BlobWriter, ZipReader } = await loadZip()
  try {
    const entries = await new ZipReader(new BlobReader(blob)).getEntries()
    return entries.flatMap((entry) =>
      // Some programs of Windows separate folders by backslashes.
      entry.directory
        ? []
        : [{ path: entry.filename.replaceAll('\\', '/'), open: () => entry.getData(new BlobWriter()) }],
    )
  } catch (cause) {
    throw new ModelError(
      'import-invalid',
      'This is no .zip that can be read. An .onnx file is brought in with models.add().',
      { cause },
    )
  }
}

/** A model in an archive: its manifest, unchecked, and the files beside it. */
export interface ArchivedModel {
  readonly manifest: unknown
  readonly files: readonly ArchiveFile[]
}

/** Opens a file of an archive. @throws {ModelError} `import-invalid` */
async function openFile({ path, open }: ArchiveFile): Promise<Blob> {
  try {
    return await open()
  } catch (cause) {
    throw new ModelError(
      'import-invalid',
      `“${path}” of it cannot be read: it is damaged, has a password, or is not there any more. Export the model again, without a password.`,
      { cause },
    )
  }
}

/** The files of whatever a page without types gives. @throws {ValidationError} `options-invalid` */
async function filesOf(from: unknown): Promise<readonly ArchiveFile[]> {
  const given = await openHandle(from)
  if (isFolder(given)) return filesOfFolder(given)
  const zip = isBlob(given) ? given : bytesToBlob(given)
  if (zip !== undefined) return filesOfZip(zip)
  throw new ValidationError(
    'options-invalid',
    `Give a .zip that was exported, or the folder of one; ${describeGiven(from)} is neither.`,
  )
}

/**
 * The models of a .zip or a folder.
 *
 * @throws {ModelError} `import-invalid`
 * @throws {ValidationError} `options-invalid`: it is neither
 */
export async function readArchive(from: unknown): Promise<readonly ArchivedModel[]> {
  const found = await filesOf(from).catch((error: unknown) => {
    throw toGivenError(error)
  })
  const files = found.map((file) => ({ path: file.path, open: () => openFile(file) }))
  const models: ArchivedModel[] = []
  for (const file of files) {
    if (file.path.split('/').at(-1) !== manifestName) continue
    const folder = file.path.slice(0, -manifestName.length)
    const beside = files
      .filter(({ path }) => path.startsWith(folder) && path !== file.path)
      .map(({ path, open }) => ({ path: path.slice(folder.length), open }))
    const text = await (await file.open()).text()
    try {
      models.push({ manifest: JSON.parse(text), files: beside })
    } catch (cause) {
      throw new ModelError('import-invalid', `“${file.path}” is no JSON. Export the model again.`, { cause })
    }
  }
  if (models.length === 0)
    throw new ModelError(
      'import-invalid',
      'There is no manifest.json in it, so no model that was exported. Unpack it, and add its .onnx file.',
    )
  return models
}

/** A path as it is compared: letters that systems write in different ways are the same. */
export const toPlainPath = (path: string): string => path.normalize('NFC').replace(/^(\.\/)+/, '')

/** The paths that a manifest names, so that only those are taken out of the archive. */
export const pathsOf = (manifest: unknown): ReadonlySet<string> => {
  const files = typeof manifest === 'object' && manifest !== null && 'files' in manifest ? manifest.files : undefined
  const paths = Array.isArray(files) ? files.map((file: unknown) => (file as { path?: unknown } | null)?.path) : []
  return new Set(paths.filter((path) => typeof path === 'string').map(toPlainPath))
}
