// Cases 12 to 15 of the reliability list: the browser's storage is full, cleared, or missing.
import { expect, test } from '@playwright/test'
import type { Hither } from './plain-project/main.ts'
import { type LyingServer, openLyingServer } from './support/lying-server.ts'
import { buildPlainProject } from './support/plain-project.ts'
import { createProfile } from './support/profile.ts'
import { chunkBytes, codeOf, download, mib, open, sizeOf, verify } from './support/store-page.ts'

declare const hither: Hither

let server: LyingServer

test.beforeAll(async () => {
  server = await openLyingServer(buildPlainProject().appDir)
})
test.afterAll(async () => {
  await server.close()
})
test.beforeEach(() => server.forget())

for (const [number, kind] of [
  [12, 'on disk'],
  [13, 'in a private window'],
] as const) {
  test(`${number}: the quota is hit in the middle of a write, ${kind}: others whole, the partial one gone, eviction offered`, async ({
    browser,
  }) => {
    const profile = kind === 'on disk' ? createProfile() : undefined
    const context = await (profile?.open() ?? browser.newContext())
    try {
      const page = await context.newPage()
      server.publish('kept', 2 * mib)
      server.publish('big', 4 * chunkBytes)
      // Before the first write: the browser remembers for half a minute how much room it saw.
      const cdp = await context.newCDPSession(page)
      await cdp.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 2.5 * chunkBytes })
      await open(page, server.origin)
      expect(await download(page, 'kept')).toBe('stored')
      const outcome = await download(page, 'big')
      expect(codeOf(outcome)).toBe('storage-full')
      expect(JSON.stringify(outcome)).toContain('Removing \\"kept\\" would make room')
      expect(await sizeOf(page, 'big')).toBe(0)
      expect(await verify(page, 'kept')).toMatchObject({ ok: true, damagedChunks: 0 })
      await cdp.send('Storage.overrideQuotaForOrigin', { origin: server.origin })
      expect(await download(page, 'big')).toBe('stored')
    } finally {
      await context.close()
      profile?.remove()
    }
  })
}

test('14: site data cleared while the page is open: the store opens again by itself', async ({ page, context }) => {
  await open(page, server.origin)
  server.publish('cleared', 2 * mib)
  expect(await download(page, 'cleared')).toBe('stored')
  const cdp = await context.newCDPSession(page)
  await cdp.send('Storage.clearDataForOrigin', { origin: server.origin, storageTypes: 'indexeddb' })
  expect(await sizeOf(page, 'cleared')).toBe(0)
  expect(await download(page, 'cleared')).toBe('stored')
  expect(await verify(page, 'cleared')).toMatchObject({ ok: true })
  // Also what is asked while the browser is clearing, which closes a connection that was opened a moment ago.
  for (let time = 0; time < 5; time += 1) {
    const clearing = cdp.send('Storage.clearDataForOrigin', { origin: server.origin, storageTypes: 'indexeddb' })
    const sizes = await Promise.all(Array.from({ length: 4 }, () => sizeOf(page, 'cleared')))
    expect(sizes.filter((size) => typeof size !== 'number')).toEqual([])
    await clearing
  }
  expect(await download(page, 'cleared')).toBe('stored')
})

for (const [what, prelude] of [
  ['is missing', "Object.defineProperty(globalThis, 'indexedDB', { value: undefined });"],
  ['never answers', 'IDBFactory.prototype.open = () => ({});'],
] as const) {
  test(`15: IndexedDB ${what}: everything works from memory`, async ({ page }) => {
    server.workerPrelude = prelude
    try {
      server.publish('fleeting', 2 * mib)
      await open(page, server.origin)
      expect(await download(page, 'fleeting')).toBe('stored')
      expect(await page.evaluate(() => hither.settle((client) => client.models.usage()))).toMatchObject({
        persistent: false,
      })
      expect(await verify(page, 'fleeting')).toMatchObject({ ok: true })
    } finally {
      server.workerPrelude = ''
    }
  })
}
