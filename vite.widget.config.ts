import { constants } from 'node:zlib'
import { defineConfig } from 'vite'
import { compression, defineAlgorithm } from 'vite-plugin-compression2'

/**
 * The widget's loader, the one script that other pages name: built by itself after the app, so that it stands alone, and
 * into the app's folder. The engine is the app build's: a page of the same host loads it from there, a page of another
 * one has it in the frame.
 */
export default defineConfig({
  publicDir: false,
  build: {
    outDir: 'dist-app',
    emptyOutDir: false,
    target: 'es2022',
    modulePreload: false,
    rolldownOptions: {
      input: { widget: 'src/widget/index.ts' },
      preserveEntrySignatures: 'exports-only',
      external: (id) => id.endsWith('/engine.ts'),
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: 'assets/widget-[name]-[hash].js',
        // What the loader shares with its later parts is one file, not one for each few lines.
        codeSplitting: {
          groups: [
            {
              name: 'shared',
              test: /src\/(ui\/design\/shared-styles|ui\/base\/define|widget\/widget-error|utils\/is-instance)\.ts$/,
            },
          ],
        },
        paths: (id) => (id.endsWith('/engine.ts') ? './widget-engine.js' : id),
      },
    },
  },
  plugins: [
    compression({
      include: /widget[^/]*\.js$/,
      skipIfLargerOrEqual: true,
      algorithms: [defineAlgorithm('brotliCompress', { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })],
    }),
  ],
})
