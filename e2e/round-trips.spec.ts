import { expect, test } from '@playwright/test'
import type { Hither } from './plain-project/main.ts'
import { buildPlainProject } from './support/plain-project.ts'
import { openRecordingProxy, type RecordingProxy } from './support/recording-proxy.ts'
import { openSite } from './support/site.ts'

declare const hither: Hither

test('an endpoint on another origin is asked for leave once, not before each request', async ({ page }) => {
  let proxy: RecordingProxy | undefined
  const site = await openSite({
    appDir: buildPlainProject().appDir,
    openLink: async (port) => {
      proxy = await openRecordingProxy(port)
      return proxy
    },
  })
  try {
    await page.goto(site.origin)
    await page.evaluate((url) => hither.open({ endpoint: { url }, report: 'none' }), site.endpointOrigin)
    for (const text of ['Wer zuletzt lacht, lacht am besten.', 'Quand on veut, on peut.', 'Rozumiem tylko trochę.']) {
      const result = await page.evaluate(
        (given) =>
          hither.settle((client) =>
            client
              .task('text-classification', { model: 'language-identification' })
              .run(given, { privacy: 'cloud-only' }),
          ),
        text,
      )
      expect(result).toMatchObject({ route: { ran: 'cloud' } })
    }
    const asked = (proxy?.passed ?? []).filter(({ path }) => path.endsWith('/infer')).map(({ method }) => method)
    expect(asked).toEqual(['OPTIONS', 'POST', 'POST', 'POST'])
  } finally {
    await site.close()
  }
})
