// Cases 1, 2, 10 and 11 of the reliability list: the browser is killed, the files on disk are damaged.
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { expect, test } from '@playwright/test'
import { type LyingServer, openLyingServer } from './support/lying-server.ts'
import { buildPlainProject } from './support/plain-project.ts'
import { createProfile } from './support/profile.ts'
import { begin, chunkBytes, download, mib, open, sizeOf, stateOf, verify } from './support/store-page.ts'

let server: LyingServer

test.beforeAll(async () => {
  server = await openLyingServer(buildPlainProject().appDir)
})
test.afterAll(async () => {
  await server.close()
})
test.beforeEach(() => server.forget())

test('1: killed in the middle of a download, the profile opened again: it continues, and every byte is right', async () => {
  const profile = createProfile()
  try {
    server.publish('killed', 3 * chunkBytes)
    server.lies = [{ stallAt: 2 * chunkBytes + mib }]
    const page = await (await profile.open()).newPage()
    await open(page, server.origin)
    await begin(page, 'killed')
    await expect.poll(() => sizeOf(page, 'killed')).toBe(2 * chunkBytes)
    await profile.kill()

    const again = await (await profile.open()).newPage()
    await open(again, server.origin)
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
    await open(page, server.origin)
    // The record waits for this lock: held, there is all the time between the last chunk and the record.
    await page.evaluate(() => void navigator.locks.request('hither-records', () => new Promise(() => {})))
    await begin(page, 'recordless')
    await expect.poll(() => sizeOf(page, 'recordless')).toBe(2 * mib)
    await profile.kill()

    const again = await (await profile.open()).newPage()
    await open(again, server.origin)
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
    await open(page, server.origin)
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
      await open(later, server.origin)
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
    await open(offline, server.origin)
    server.lastingLie = { status: 503 }
    expect(await verify(offline, 'rotten')).toMatchObject({ ok: false, damagedChunks: 1, repairedChunks: 0 })
    expect(await stateOf(offline, 'rotten')).toBe('absent')
  } finally {
    await profile.close()
    profile.remove()
  }
})
