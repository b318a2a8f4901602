import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'

/**
 * Compiles the endpoint's thread script into a folder of its own: a worker thread starts from a file, and Node 20 runs
 * no TypeScript. The folder lies in the repository, so that the script finds its packages.
 */
export async function buildInferWorker(): Promise<{ readonly url: URL; readonly remove: () => Promise<void> }> {
  const cache = fileURLToPath(new URL('../../.cache/', import.meta.url))
  await mkdir(cache, { recursive: true })
  const outDir = await mkdtemp(`${cache}infer-worker-`)
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: fileURLToPath(new URL('../endpoint/compute/infer-worker.ts', import.meta.url)),
      outDir,
      rolldownOptions: { output: { entryFileNames: 'infer-worker.mjs' } },
    },
  })
  return {
    url: pathToFileURL(`${outDir}/infer-worker.mjs`),
    remove: () => rm(outDir, { recursive: true, force: true }),
  }
}
