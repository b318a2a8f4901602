import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** The operator's page, beside the compiled endpoint that serves it: it is in the package hither-endpoint, too. */
export default defineConfig({
  root: fileURLToPath(new URL('src/ops', import.meta.url)),
  base: './',
  publicDir: false,
  build: {
    outDir: fileURLToPath(new URL('packages/hither-endpoint/dist/ops-page', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
