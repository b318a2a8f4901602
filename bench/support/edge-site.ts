import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants } from 'node:zlib'
import { build } from 'vite'
import { compression, defineAlgorithm } from 'vite-plugin-compression2'
import { type SharedModel, writeSharedModels, writeTransformersModels } from './shared-models.ts'

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Where Transformers.js has its own onnxruntime-web: its runtime files are its default ones, from our origin. */
const transformersRuntime = root('node_modules/@huggingface/transformers/node_modules/onnxruntime-web/dist')

/**
 * Builds pages of `bench/pages/` against the built library, as a site would, and serves them, their models and the
 * endpoint from one origin.
 */
export async function openEdgeSite(options: {
  readonly pages: readonly string[]
  readonly models: readonly SharedModel[]
  /** Models that Transformers.js gets, too. */
  readonly transformers?: readonly SharedModel[]
  /** Files or folders more, by their path on the site; below `assets/transformers`, Transformers.js finds them. */
  readonly files?: Readonly<Record<string, string>>
  /** Whole models more, in the layout of an endpoint's folder, by their names. */
  readonly modelFolders?: Readonly<Record<string, string>>
  /** Compresses the files beforehand, as a site on a real link would. */
  readonly compressed?: boolean
}) {
  const { pages, models, transformers = [], files = {}, modelFolders = {}, compressed = false } = options
  const folder = mkdtempSync(join(tmpdir(), 'hither-bench-'))
  const [appDir, modelsDir] = [join(folder, 'app'), join(folder, 'models')]
  mkdirSync(modelsDir)
  await build({
    root: root('bench/pages'),
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    build: {
      outDir: appDir,
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: { input: pages.map((page) => root(`bench/pages/${page}.html`)) },
    },
    resolve: {
      alias: { hither: root('dist/index.js') },
      conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'],
    },
    worker: { format: 'es' },
    plugins: compressed
      ? [
          compression({
            // The other runtime files are not fetched here, and take a minute to compress.
            include: /(\.(html|js|mjs|css)|ort-wasm-simd-threaded-[^.]*\.wasm)$/,
            skipIfLargerOrEqual: true,
            algorithms: [defineAlgorithm('brotliCompress', { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } })],
          }),
        ]
      : [],
  })
  await writeSharedModels(modelsDir, models)
  for (const [name, from] of Object.entries(modelFolders)) cpSync(from, join(modelsDir, name), { recursive: true })
  for (const [path, from] of Object.entries(files)) cpSync(from, join(appDir, path), { recursive: true })
  if (transformers.length > 0 || Object.keys(files).some((path) => path.startsWith('assets/transformers/'))) {
    writeTransformersModels(join(appDir, 'assets/transformers'), transformers)
    for (const end of ['mjs', 'wasm']) {
      const name = `ort-wasm-simd-threaded.asyncify.${end}`
      cpSync(join(transformersRuntime, name), join(appDir, 'assets/transformers', name))
    }
    if (compressed) compressRuntime(join(appDir, 'assets/transformers'))
  }
  const { createEndpoint } = await import('hither-endpoint')
  const endpoint = await createEndpoint({ modelsDir, appDir, workers: 1 })
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  return {
    origin: `http://localhost:${port}`,
    port,
    async close() {
      await endpoint.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The server finds the compressed file beside the plain one. */
function compressRuntime(folder: string): void {
  for (const end of ['mjs', 'wasm']) {
    const file = join(folder, `ort-wasm-simd-threaded.asyncify.${end}`)
    const params = { [constants.BROTLI_PARAM_QUALITY]: 9 }
    writeFileSync(`${file}.br`, brotliCompressSync(readFileSync(file), { params }))
  }
}
