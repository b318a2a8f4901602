import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from './scripts/find-browser.mjs'

// Asked only when the browser project runs, so that unit tests need no browser.
const wantsBrowser = !process.argv.some((argument) => argument === '--project=unit')

export default defineConfig({
  // Found while a test runs, a dependency would make the dev server reload the page under it.
  optimizeDeps: {
    include: [
      'valibot',
      'comlink',
      'idb-keyval',
      'hash-wasm',
      'onnxruntime-common',
      'fast-check',
      'lit',
      '@lit/localize/init/install.js',
      '@lit/localize/init/runtime.js',
      '@lit/localize/internal/localized-controller.js',
      '@lit/localize/internal/str-tag.js',
      'uplot',
    ],
    exclude: ['onnxruntime-web'],
  },
  test: {
    // Timings never decide a test: this is only for one that hangs, on a machine that has much else to do.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Of `expect.poll`, which waits for one second else: on a busy machine the page's own code takes longer to come.
    expect: { poll: { timeout: 50_000 } },
    // By default one core is left idle, of two that is half of the machine.
    maxWorkers: '100%',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'bench/**/*.test.ts', 'deploy/**/*.test.ts'],
          exclude: ['src/**/*.browser.test.ts'],
          // No test is about time; a loaded machine is no failure.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        server: {
          headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
        },
        test: {
          name: 'browser',
          include: ['src/**/*.browser.test.ts'],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { ...(wantsBrowser ? { executablePath: findBrowser() } : {}), args: browserArgs },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
})
