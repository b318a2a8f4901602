import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Manifest, ModelFile } from '../contracts/manifest.ts'
import { ModelError } from '../errors/model-error.ts'

/**
 * Reads every file of a model and compares size and SHA-256 with its manifest: altered weights run silently, only the
 * hash tells.
 *
 * @returns the graph's bytes, the very ones that were hashed, in memory that every thread can read
 * @throws {ModelError} `download-wrong-size`, `download-wrong-hash` or `manifest-invalid`; the system's error for a file
 *   that can't be read
 */
export async function verifyFiles(folder: string, { files, graph }: Manifest): Promise<SharedArrayBuffer> {
  let bytes: SharedArrayBuffer | undefined
  for (const file of files) {
    const target = file.path === graph ? new SharedArrayBuffer(await sizeOf(folder, file)) : undefined
    await verifyFile(folder, file, target === undefined ? undefined : new Uint8Array(target))
    bytes = target ?? bytes
  }
  if (bytes === undefined) throw new ModelError('manifest-invalid', `its graph ${graph} is not among its files`)
  return bytes
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
