import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Manifest } from '../contracts/manifest.ts'

/** A language model's files as a folder of models has them. */
export interface WriterFolder {
  readonly manifest: Manifest
  readonly files: Readonly<Record<string, Uint8Array>>
}

/** Writes a language model into a folder of models. */
export async function writeWriter(modelsDir: string, { manifest, files }: WriterFolder): Promise<void> {
  const folder = join(modelsDir, manifest.name, manifest.revision)
  for (const [path, bytes] of Object.entries({ ...files, 'manifest.json': JSON.stringify(manifest) })) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), bytes)
  }
}
