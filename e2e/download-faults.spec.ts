// Cases 3 to 9, 16 and 18 of the reliability list: downloads from a server that fails, in two tabs, and of a large model.
import { expect, test } from '@playwright/test'
import type { Hither } from './plain-project/main.ts'
import { type LyingServer, openLyingServer } from './support/lying-server.ts'
import { buildPlainProject } from './support/plain-project.ts'
import { begin, chunkBytes, codeOf, download, mib, open, sizeOf, stateOf, verify } from './support/store-page.ts'
import { watchWorkerHeaps } from './support/worker-heap.ts'

declare const hither: Hither

let server: LyingServer

test.beforeAll(async () => {
  server = await openLyingServer(buildPlainProject().appDir)
})
test.afterAll(async () => {
  await server.close()
})
test.beforeEach(() => server.forget())

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
  await open(page, server.origin, { idleMs: 5_000, firstByteMs: 5_000 })
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
    server.lies = [{ cutAt: mib, becomes: right }]
    expect(await download(page, 'changed')).toBe('stored')
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

test('16: two tabs want one model: one download; the tab that leads ends, and the other takes over', async ({
  context,
}) => {
  server.publish('shared', 3 * chunkBytes)
  server.lies = [{ stallAt: 2 * chunkBytes + mib }]
  const [leader, other] = [await context.newPage(), await context.newPage()]
  await open(leader, server.origin)
  await open(other, server.origin)
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
  await open(page, server.origin, { connections: 4 })
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
