import { defineConfig } from '@playwright/test'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from './scripts/find-browser.mjs'

/** Where it is the machine's speed that decides: these run one at a time. The others share it, two at a time. */
const alone = ['arms', 'backends', 'edge-engine', 'package'].map((name) => `**/${name}.spec.ts`)

export default defineConfig({
  testDir: 'e2e',
  timeout: 120_000,
  expect: { timeout: 40_000 },
  workers: 2,
  projects: [
    { name: 'alone', testMatch: alone },
    { name: 'together', testIgnore: alone },
  ],
  forbidOnly: true,
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    launchOptions: { executablePath: findBrowser(), args: browserArgs },
    viewport: { width: 1280, height: 900 },
    trace: 'off',
  },
})
