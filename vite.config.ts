import { cpSync } from 'node:fs'
import { constants } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'
import { compression, defineAlgorithm } from 'vite-plugin-compression2'
import { VitePWA } from 'vite-plugin-pwa'

/** Chunks of which the first load, or the first request, calls most functions. */
const startChunks = new Set(['index', 'base', 'home', 'client', 'pipeline'])

/**
 * Has these compiled as a whole while they stream in, beside the page's thread, instead of function by function on it.
 * A hint to Chromium (https://v8.dev/blog/explicit-compile-hints); for the others it is a comment.
 */
const compileAhead: Plugin = {
  name: 'compile-ahead',
  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type === 'chunk' && startChunks.has(chunk.name)) {
          chunk.code = `//# allFunctionsCalledOnLoad\n${chunk.code}`
        }
      }
    },
  },
}

const models = 'packages/hither-models/models'

const compressed = (include: RegExp, quality: number) =>
  compression({
    include,
    skipIfLargerOrEqual: true,
    algorithms: [defineAlgorithm('brotliCompress', { params: { [constants.BROTLI_PARAM_QUALITY]: quality } })],
  })

/** Puts the default models below `/models/`, where the app looks for its catalogue on a plain file server. */
const defaultModels: Plugin = {
  name: 'default-models',
  writeBundle: ({ dir }) => {
    if (dir !== undefined) cpSync(models, `${dir}/models`, { recursive: true })
  },
}

export default defineConfig({
  build: {
    outDir: 'dist-app',
    target: 'es2022',
    // Inlined, a file could not be cached, ranged or kept under the policy without data: addresses.
    assetsInlineLimit: 0,
    manifest: true,
    rolldownOptions: {
      input: { index: 'index.html', 'widget-frame': 'widget-frame.html', 'widget-engine': 'src/widget/engine.ts' },
      // Pages of this host load the widget's engine by its name, and use what it exports.
      preserveEntrySignatures: 'exports-only',
      output: {
        entryFileNames: ({ name }) => (name === 'widget-engine' ? '[name].js' : 'assets/[name]-[hash].js'),
        // What the first page needs comes in three files instead of thirty: fewer requests, and it compresses better.
        codeSplitting: {
          groups: [
            {
              name: 'base',
              test: /src\/(?:app\/(?:shell\/hither-app|state\/app|language\/language)|ui\/base\/trusted-types)\.ts$/,
              priority: 3,
            },
            { name: 'home', test: /src\/app\/home-page\/home-page\.ts$/, priority: 2 },
            { name: 'client', test: /src\/app\/state\/make-client\.ts$|src\/client\/create-client\.ts$/, priority: 1 },
            // All that runs requests: fetched with the first one, or beside the first page's models.
            { name: 'pipeline', test: /src\/client\/request\/pipeline\.ts$/, priority: 0 },
          ],
        },
      },
    },
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
  // onnxruntime-web's builds that load their glue from an address of ours: no eval and no blob: under the policy.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'] },
  worker: { format: 'es' },
  server: {
    headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
  },
  plugins: [
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src/service-worker',
      filename: 'service-worker.ts',
      injectRegister: false,
      manifest: {
        name: 'Hither',
        short_name: 'Hither',
        description: 'AI that runs here when here is faster, and in the cloud when it is not.',
        display: 'standalone',
        // Its identity, too, as it has no `id`: an `id` starts at the origin, and a build may lie below a path.
        start_url: '.',
        share_target: {
          action: 'share',
          method: 'POST',
          enctype: 'multipart/form-data',
          params: { files: [{ name: 'file', accept: ['image/*', 'audio/*'] }] },
        },
        file_handlers: [
          { action: '.', accept: { 'image/png': ['.png'], 'image/jpeg': ['.jpg', '.jpeg'], 'image/webp': ['.webp'] } },
        ],
        launch_handler: { client_mode: 'focus-existing' },
        background_color: '#ffffff',
        theme_color: '#ffffff',
        icons: [
          { src: 'icons/icon-192.png', sizes: '192x192', type: 'image/png' },
          { src: 'icons/icon-512.png', sizes: '512x512', type: 'image/png' },
          { src: 'icons/icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
          { src: 'icons/icon.svg', sizes: 'any', type: 'image/svg+xml' },
        ],
      },
      injectManifest: {
        // The shell only: a runtime file is kept once this browser has chosen it, a model by the model store.
        globPatterns: ['**/*.{html,js,css,svg,png,jpg,mp3,webmanifest}'],
        globIgnores: ['**/ort-wasm-*', 'models/**', 'widget*', '**/widget*'],
        maximumFileSizeToCacheInBytes: 4_000_000,
      },
    }),
    compileAhead,
    defaultModels,
    compressed(/\.(html|js|mjs|css|svg|webmanifest)$/, 11),
    // Within 2 % of 11 on the runtime files, and ten times as fast.
    compressed(/\.wasm$/, 9),
  ],
})
