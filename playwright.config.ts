import { defineConfig } from '@playwright/test'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from './scripts/find-browser.mjs'

export default defineConfig({
  testDir: 'e2e',
  timeout: 90_000,
  expect: { timeout: 30_000 },
  workers: 1,
  forbidOnly: true,
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    launchOptions: { executablePath: findBrowser(), args: browserArgs },
    viewport: { width: 1280, height: 900 },
    trace: 'off',
  },
})
