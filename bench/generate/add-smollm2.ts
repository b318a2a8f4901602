import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addModel } from '../../src/endpoint/adding/add-model.ts'
import type { Precision } from '../../src/models/gguf/gguf-weights.ts'
import { findGguf } from './find-gguf.ts'

const cache = fileURLToPath(new URL('../../.cache/smollm2/', import.meta.url))

/**
 * Adds SmolLM2-135M-Instruct to a folder of models, by the command that a user would give, unless it is there.
 *
 * @returns the path of its GGUF file, and of the model's folder
 */
export async function addSmollm2(
  modelsDir: string,
  model: { readonly name: string; readonly precision: Precision },
  say: (line: string) => void,
): Promise<{ readonly gguf: string; readonly folder: string }> {
  const { name, precision } = model
  const gguf = await findGguf(cache, undefined)
  const folder = join(modelsDir, name, '1')
  mkdirSync(modelsDir, { recursive: true })
  if (!existsSync(join(folder, 'manifest.json'))) {
    const { signal } = new AbortController()
    say(await addModel({ source: gguf, modelsDir, name, precision, signal, say }))
  }
  return { gguf, folder }
}
