import { defineConfig } from '@playwright/test'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from './scripts/find-browser.mjs'

/** What loads whole models and measures the device: one at a time, so that each has the machine. The others run two at a time. */
const alone = ['arms', 'backends', 'edge-engine', 'edge-faults', 'package'].map((name) => `**/${name}.spec.ts`)

export default defineConfig({
  testDir: 'e2e',
  // No verdict rests on time: these end a test that hangs, also on a machine with much else to do.
  timeout: 300_000,
  expect: { timeout: 120_000 },
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
