// Cases 1 to 13 and 16 to 18 of the reliability list, each with its fault injected for real.
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { expect, type Page, test } from '@playwright/test'
import type { Hither } from './plain-project/main.ts'
import { type LyingServer, openLyingServer } from './support/lying-server.ts'
import { buildPlainProject } from './support/plain-project.ts'
import { createProfile } from './support/profile.ts'
import { watchWorkerHeaps } from './support/worker-heap.ts'

declare const hither: Hither

const chunkBytes = 8 * 1024 * 1024
const mib = 1024 * 1024

let project: ReturnType<typeof buildPlainProject>
let server: LyingServer

test.beforeAll(async () => {
  test.setTimeout(180_000)
  project = buildPlainProject()
  server = await openLyingServer(project.appDir)
})
test.afterAll(async () => {
  await server.close()
})
test.beforeEach(() => server.forget())

const open = async (page: Page, storage: object = {}) => {
  await page.goto(server.origin)
  await page.evaluate((given) => hither.open({ storage: given }), { connections: 1, ...storage })
}
const download = (page: Page, name: string) =>
  page.evaluate((model) => hither.settle(async (client) => client.models.download(model).then(() => 'stored')), name)
const stateOf = (page: Page, name: string) =>
  page.evaluate((model) => hither.settle(async (client) => (await client.models.state(model)).status), name)
const sizeOf = (page: Page, name: string) =>
  page.evaluate((model) => hither.settle(async (client) => (await client.models.size(model)).storedBytes), name)
const verify = (page: Page, name: string) =>
  page.evaluate((model) => hither.settle((client) => client.models.verify(model)), name)
/** The code of a typed error; what it is instead where it is none. */
const codeOf = (outcome: Awaited<ReturnType<typeof download>>): string =>
  typeof outcome === 'object' && 'error' in outcome ? (outcome.error[1] ?? '') : String(outcome)
/** Starts a download and lets it run. */
const begin = (page: Page, name: string) =>
  page.evaluate((model) => void hither.settle((client) => client.models.download(model)), name)

test('1: killed in the middle of a download, the profile opened again: it continues, and every byte is right', async () => {
  const profile = createProfile()
  try {
    server.publish('killed', 3 * chunkBytes)
    server.lies = [{ stallAt: 2 * chunkBytes + mib }]
    const page = await (await profile.open()).newPage()
    await open(page)
    await begin(page, 'killed')
    await expect.poll(() => sizeOf(page, 'killed')).toBe(2 * chunkBytes)
    await profile.kill()

    const again = await (await profile.open()).newPage()
    await open(again)
    expect(await stateOf(again, 'killed')).toBe('absent')
    expect(await sizeOf(again, 'killed')).toBe(2 * chunkBytes)
    server.forget()
    expect(await download(again, 'killed')).toBe('stored')
    expect(server.requests.map(({ range }) => range)).toEqual([`bytes=${2 * chunkBytes}-`])
    expect(server.sentBytes()).toBe(chunkBytes)
    expect(await verify(again, 'killed')).toMatchObject({ ok: true, damagedChunks: 0, checkedBytes: 3 * chunkBytes })
  } finally {
    await profile.close()
    profile.remove()
  }
})

test('2: killed between the last chunk and the record: not there, and no byte moves again', async () => {
  const profile = createProfile()
  try {
    server.publish('recordless', 2 * mib)
    const page = await (await profile.open()).newPage()
    await open(page)
    // The record waits for this lock: held, there is all the time between the last chunk and the record.
    await page.evaluate(() => void navigator.locks.request('hither-records', () => new Promise(() => {})))
    await begin(page, 'recordless')
    await expect.poll(() => sizeOf(page, 'recordless')).toBe(2 * mib)
    await profile.kill()

    const again = await (await profile.open()).newPage()
    await open(again)
    expect(await stateOf(again, 'recordless')).toBe('absent')
    server.forget()
    expect(await download(again, 'recordless')).toBe('stored')
    expect(server.requests).toEqual([])
  } finally {
    await profile.close()
    profile.remove()
  }
})

test('10, 11: a stored file with a flipped byte, one that is cut, one that is gone: only that chunk comes again', async () => {
  const profile = createProfile()
  try {
    server.publish('rotten', 3 * chunkBytes)
    const page = await (await profile.open()).newPage()
    await open(page)
    expect(await download(page, 'rotten')).toBe('stored')
    await profile.close()

    const damages: [string, (file: string) => void][] = [
      [
        'flipped',
        (file) => {
          const bytes = readFileSync(file)
          bytes[mib] = (bytes[mib] ?? 0) ^ 1
          writeFileSync(file, bytes)
        },
      ],
      ['cut', (file) => truncateSync(file, mib)],
      ['gone', (file) => rmSync(file)],
    ]
    for (const [damage, inflict] of damages) {
      const file = profile.blobFiles()[0]
      if (file === undefined) throw new Error('the store has no files')
      inflict(file)
      const later = await (await profile.open()).newPage()
      await open(later)
      server.forget()
      const report = await verify(later, 'rotten')
      expect(report, damage).toMatchObject({ ok: true, damagedChunks: 1, repairedChunks: 1 })
      expect(server.requests, damage).toHaveLength(1)
      expect(server.sentBytes(), damage).toBe(chunkBytes)
      await profile.close()
    }

    // Offline, a typed error; nothing wrong is ever handed out.
    const file = profile.blobFiles()[0]
    if (file === undefined) throw new Error('the store has no files')
    truncateSync(file, mib)
    const offline = await (await profile.open()).newPage()
    await open(offline)
    server.lastingLie = { status: 503 }
    expect(await verify(offline, 'rotten')).toMatchObject({ ok: false, damagedChunks: 1, repairedChunks: 0 })
    expect(await stateOf(offline, 'rotten')).toBe('absent')
  } finally {
    await profile.close()
    profile.remove()
  }
})

test('3 to 9: sockets cut, bodies cut, portals, stalls, changed and compressed files, a flipped bit', async ({
  page,
}) => {
  const size = 2 * mib
  // The page loads the catalogue once.
  const plain = ['dead', 'short', 'portal-0', 'portal-1', 'portal-2', 'silent', 'ranged', 'flipped', 'wrong']
  for (const name of plain) server.publish(name, size)
  server.publish('cut', 2 * chunkBytes)
  const changedPath = server.publish('changed', size)
  server.publish('zipped', Buffer.alloc(size, 'weights '))
  await open(page, { idleMs: 1_500, firstByteMs: 1_500 })
  await page.evaluate(() => {
    const seen: number[] = []
    Object.assign(globalThis, { seen })
    hither.client?.on('progress', ({ loadedBytes, totalBytes }) => seen.push(loadedBytes / totalBytes))
  })

  await test.step('3: the socket is destroyed in the middle: resumes at the very byte it had', async () => {
    server.lies = [{ stallAt: chunkBytes + mib }]
    const loading = download(page, 'cut')
    // A socket destroyed before the page has read of it leaves nothing to continue from.
    await expect.poll(() => sizeOf(page, 'cut')).toBe(chunkBytes)
    server.cutStalled()
    expect(await loading).toBe('stored')
    expect(server.requests.length).toBe(2)
    expect(server.requests[1]?.range).toMatch(/^bytes=\d+-$/)
  })
  await test.step('3: again and again: bounded tries, a typed error', async () => {
    server.forget()
    server.lastingLie = { cutAt: 0 }
    expect(codeOf(await download(page, 'dead'))).toBe('download-failed')
    expect(server.requests.length).toBe(5)
  })
  await test.step('4: a body that ends early, its length never told: refused by size, then continued', async () => {
    server.forget()
    server.lies = [{ endAt: mib }]
    expect(await download(page, 'short')).toBe('stored')
    expect(server.requests[1]?.range).toBe(`bytes=${mib}-`)
  })
  await test.step('5: a sign-in page, a 404, an empty body: refused, nothing stored', async () => {
    for (const [index, lie] of [{ page: '<html>Sign in</html>' }, { status: 404 }, { page: '' }].entries()) {
      server.forget()
      server.lastingLie = lie
      const outcome = await download(page, `portal-${index}`)
      expect(codeOf(outcome)).toBe('status' in lie ? 'download-failed' : 'download-wrong-size')
      expect(await sizeOf(page, `portal-${index}`)).toBe(0)
    }
  })
  await test.step('6: the body falls silent: the idle timeout ends it, and it continues', async () => {
    server.forget()
    server.lies = [{ stallAt: mib }]
    expect(await download(page, 'silent')).toBe('stored')
    expect(server.requests[1]?.range).toBe(`bytes=${mib}-`)
  })
  await test.step('7: the range is ignored, or the file is another one: starts over, never splices', async () => {
    server.forget()
    server.lies = [{ cutAt: mib }, { ignoreRange: true }]
    expect(await download(page, 'ranged')).toBe('stored')

    server.forget()
    const right = server.files.get(changedPath)
    if (right === undefined) throw new Error('no file')
    server.files.set(changedPath, { bytes: Buffer.alloc(size, 7), etag: '"old"' })
    server.lies = [{ cutAt: mib }]
    const loading = download(page, 'changed')
    await expect.poll(() => server.requests.length).toBeGreaterThan(0)
    server.files.set(changedPath, right)
    expect(await loading).toBe('stored')
  })
  await test.step('8: a compressed body: progress stays within 100 %', async () => {
    server.forget()
    server.lies = [{ gzip: true }]
    expect(await download(page, 'zipped')).toBe('stored')
  })
  await test.step('9: a bit flipped on the way: one more try; flipped again: nothing is stored', async () => {
    server.forget()
    server.lies = [{ flipAt: mib }]
    expect(await download(page, 'flipped')).toBe('stored')
    expect(server.requests.length).toBe(2)
    server.forget()
    server.lastingLie = { flipAt: mib }
    expect(codeOf(await download(page, 'wrong'))).toBe('download-wrong-hash')
    expect(server.requests.length).toBe(2)
    expect(await sizeOf(page, 'wrong')).toBe(0)
  })
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: number[] }).seen)
  expect(Math.max(...seen)).toBe(1)
  const names = ['cut', 'short', 'silent', 'ranged', 'changed', 'zipped', 'flipped']
  server.forget()
  for (const name of names) expect(await verify(page, name)).toMatchObject({ ok: true, damagedChunks: 0 })
  expect(server.requests).toEqual([])
})

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
      await open(page)
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
  await open(page)
  server.publish('cleared', 2 * mib)
  expect(await download(page, 'cleared')).toBe('stored')
  const cdp = await context.newCDPSession(page)
  await cdp.send('Storage.clearDataForOrigin', { origin: server.origin, storageTypes: 'indexeddb' })
  expect(await sizeOf(page, 'cleared')).toBe(0)
  expect(await download(page, 'cleared')).toBe('stored')
  expect(await verify(page, 'cleared')).toMatchObject({ ok: true })
})

for (const [what, prelude] of [
  ['is missing', "Object.defineProperty(globalThis, 'indexedDB', { value: undefined });"],
  ['never answers', 'IDBFactory.prototype.open = () => ({});'],
] as const) {
  test(`15: IndexedDB ${what}: everything works from memory`, async ({ page }) => {
    server.workerPrelude = prelude
    try {
      server.publish('fleeting', 2 * mib)
      await open(page)
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

test('16: two tabs want one model: one download; the tab that leads ends, and the other takes over', async ({
  context,
}) => {
  server.publish('shared', 3 * chunkBytes)
  server.lies = [{ stallAt: 2 * chunkBytes + mib }]
  const [leader, other] = [await context.newPage(), await context.newPage()]
  await open(leader)
  await open(other)
  await begin(leader, 'shared')
  await expect.poll(() => server.requests.length).toBe(1)
  const second = download(other, 'shared')
  await expect.poll(() => sizeOf(other, 'shared')).toBe(2 * chunkBytes)
  expect(server.requests.length).toBe(1)
  const crashed = leader.waitForEvent('crash')
  const cdp = await context.newCDPSession(leader)
  void cdp.send('Page.crash').catch(() => {})
  await crashed
  const crashedAt = Date.now()
  expect(await second).toBe('stored')
  console.log(`took over ${(server.requests[1]?.at ?? Number.NaN) - crashedAt} ms after the crash`)
  expect(server.requests.map(({ range }) => range)).toEqual([undefined, `bytes=${2 * chunkBytes}-`])
  expect(await verify(other, 'shared')).toMatchObject({ ok: true })
})

test('18: a model many times larger than a chunk streams in, on four connections, with less than three chunks held', async ({
  context,
  page,
}) => {
  const heaps = await watchWorkerHeaps(context, page)
  server.publish('large', 16 * chunkBytes)
  await open(page, { connections: 4 })
  await stateOf(page, 'large')
  const base = await heaps.sample('background')
  if (base === undefined) throw new Error('the worker has not started')
  let isDone = false
  const done = download(page, 'large').finally(() => {
    isDone = true
  })
  let held = 0
  let samples = 0
  while (!isDone) {
    const sample = await heaps.sample('background')
    if (sample === undefined) throw new Error('the worker has ended')
    held = Math.max(held, sample.usedBytes + sample.bufferBytes - base.usedBytes - base.bufferBytes)
    samples += 1
  }
  expect(await done).toBe('stored')
  expect(samples).toBeGreaterThan(3)
  expect(held).toBeLessThan(3 * chunkBytes)
  expect(await verify(page, 'large')).toMatchObject({ ok: true, checkedBytes: 16 * chunkBytes })
})
