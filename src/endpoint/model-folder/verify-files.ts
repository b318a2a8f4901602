import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { toFilePath } from '../../models/manifest/file-path.ts'
import type { SharedGraph } from './shared-graph.ts'

/** A model's files that are used here, the very bytes that were hashed. */
export interface VerifiedFiles {
  /** The graph and weights outside it, in memory that every thread can read. */
  readonly shared: SharedGraph
  /** Files that its preprocessing or a writer reads, by path. */
  readonly texts: ReadonlyMap<string, string>
}

/**
 * Reads every file of a model and compares size and SHA-256 with its manifest: altered weights run silently, only the
 * hash tells.
 *
 * @throws {ModelError} `download-wrong-size`, `download-wrong-hash` or `manifest-invalid`; the system's error for a file
 *   that can't be read
 */
export async function verifyFiles(folder: string, manifest: Manifest): Promise<VerifiedFiles> {
  const { files, graph } = manifest
  const externalData = (manifest.externalData ?? []).map((location) => ({ location, path: toFilePath(location) }))
  const read = textsOf(manifest)
  const kept = new Map<string, SharedArrayBuffer>()
  for (const file of files) {
    const isWeights = externalData.some(({ path }) => path === file.path)
    const needed = file.path === graph || isWeights || read.includes(file.path)
    const target = needed ? new SharedArrayBuffer(await sizeOf(folder, file)) : undefined
    await verifyFile(folder, file, target === undefined ? undefined : new Uint8Array(target))
    if (target !== undefined) kept.set(file.path, target)
  }
  const bytesOf = (path: string) => {
    const bytes = kept.get(path)
    if (bytes !== undefined) return bytes
    throw new ModelError('manifest-invalid', `${path}, which its manifest names, is not among its files`)
  }
  return {
    shared: {
      graph: bytesOf(graph),
      externalData: new Map(externalData.map(({ location, path }) => [location, bytesOf(path)])),
    },
    texts: new Map(read.map((path) => [path, Buffer.from(bytesOf(path)).toString()])),
  }
}

function textsOf({ preprocessing, generation }: Manifest): readonly string[] {
  const ofTokens = preprocessing?.kind === 'tokens' ? [preprocessing.tokenizer, preprocessing.tokenizerConfig] : []
  const ofWriting =
    generation === undefined ? [] : [generation.tokenizer, generation.tokenizerConfig, generation.chatTemplate]
  return [...new Set([...ofTokens, ...ofWriting])].filter((path) => path !== undefined)
}

/** Checked before so much memory is taken. */
async function sizeOf(folder: string, { path, bytes }: ModelFile): Promise<number> {
  const { size } = await stat(join(folder, path))
  if (size !== bytes) {
    throw new ModelError('download-wrong-size', `${path} has ${size} bytes, and its manifest says ${bytes}`)
  }
  return bytes
}

async function verifyFile(folder: string, file: ModelFile, target: Uint8Array | undefined): Promise<void> {
  await sizeOf(folder, file)
  const hash = createHash('sha256')
  let at = 0
  for await (const chunk of createReadStream(join(folder, file.path), { end: file.bytes })) {
    const bytes = chunk as Uint8Array
    if (at + bytes.length > file.bytes) break
    hash.update(bytes)
    target?.set(bytes, at)
    at += bytes.length
  }
  if (at !== file.bytes || hash.digest('hex') !== file.sha256) {
    throw new ModelError('download-wrong-hash', `${file.path} is not the file that its manifest describes`)
  }
}
