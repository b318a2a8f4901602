import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'

/** A compiled thread script. */
export interface BuiltScript {
  readonly url: URL
  readonly remove: () => Promise<void>
}

/**
 * Compiles a thread's script into a folder of its own: a worker thread starts from a file, and Node 20 runs no
 * TypeScript. The folder lies in the repository, so that the script finds its packages.
 */
export async function buildThreadScript(entry: URL): Promise<BuiltScript> {
  const cache = fileURLToPath(new URL('../../.cache/', import.meta.url))
  await mkdir(cache, { recursive: true })
  const outDir = await mkdtemp(`${cache}thread-`)
  const name = `${basename(entry.pathname, '.ts')}.mjs`
  await build({
    configFile: false,
    logLevel: 'error',
    build: { ssr: fileURLToPath(entry), outDir, rolldownOptions: { output: { entryFileNames: name } } },
  })
  return {
    url: pathToFileURL(`${outDir}/${name}`),
    remove: () => rm(outDir, { recursive: true, force: true }),
  }
}

/** Compiles the script of the endpoint's threads that run models. */
export const buildInferWorker = (): Promise<BuiltScript> =>
  buildThreadScript(new URL('../endpoint/compute/infer-worker.ts', import.meta.url))
