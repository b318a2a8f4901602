import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelError } from '../../errors/model-error.ts'
import { bytesIn, content, file, setUp, url } from '../../testing/download-fixture.ts'
import { type FakeFault, fakeBytes } from '../../testing/fake-file-server.ts'
import { createMemoryStore, type KeyValueStore } from '../chunks/key-value-store.ts'
import { sha256Hex } from '../chunks/sha256.ts'

test('a file arrives in chunks, each with its hash, in one request', async () => {
  const { server, chunks, download, progress } = setUp()
  const stored = await download()
  expect(await bytesIn(chunks)).toEqual(content)
  expect(stored).toMatchObject({ ...file, chunkBytes: 1_000 })
  expect(stored.chunks).toEqual(
    await Promise.all([0, 1, 2, 3, 4].map((index) => sha256Hex(content.slice(index * 1_000, (index + 1) * 1_000)))),
  )
  expect(server.requests).toEqual([{ url, range: null, ifRange: null }])
  expect(progress[0]).toEqual({ loadedBytes: 0, totalBytes: 4_500 })
  expect(progress.at(-1)).toEqual({ loadedBytes: 4_500, totalBytes: 4_500 })
  const loaded = progress.map((report) => report.loadedBytes)
  expect(loaded).toEqual([...loaded].sort((a, b) => a - b))
})

describe('continues where it stopped, byte by byte', () => {
  test.each<[string, FakeFault]>([
    ['a broken connection', { cutAt: 2_300 }],
    ['a body that ends early', { endAt: 2_300 }],
    ['a body that stands still', { stallAt: 2_300 }],
  ])('%s', async (_, fault) => {
    const { server, chunks, download, ranges, waits } = setUp()
    server.faults = [fault]
    await download()
    expect(ranges()).toEqual([null, 'bytes=2300-'])
    expect(await bytesIn(chunks)).toEqual(content)
    expect(server.sentBytes).toBe(4_500)
    expect(waits).toEqual([300])
  })
})

test.each<[string, FakeFault]>([
  ['500', { status: 500 }],
  ['503', { status: 503 }],
  ['429', { status: 429 }],
  ['no network', { offline: true }],
  ['no answer', { silent: true }],
])('%s is tried again, and not for ever', async (_, fault) => {
  const { server, download, chunks, waits } = setUp()
  server.faults = [fault]
  await download()
  expect(server.requests).toHaveLength(2)

  const second = setUp()
  second.server.lastingFault = fault
  await expect(second.download()).rejects.toMatchObject({ name: 'ModelError', code: 'download-failed' })
  expect(second.server.requests).toHaveLength(5)
  expect(second.waits).toEqual([300, 600, 1_200, 2_400])
  expect(second.timers.size).toBe(0)
  expect(await bytesIn(chunks)).toEqual(content)
  expect(waits).toHaveLength(1)
})

test.each([404, 403, 410, 401])('%i is not tried again', async (status) => {
  const { server, download } = setUp()
  server.lastingFault = { status }
  await expect(download()).rejects.toMatchObject({
    code: 'download-failed',
    message: `Could not download graph.onnx: the server answered ${status}.`,
    context: { status },
  })
  expect(server.requests).toHaveLength(1)
})

test('a link that breaks often gets through as long as each try brings a chunk', async () => {
  const { server, download, chunks } = setUp()
  server.faults = [500, 1_100, 1_200, 2_050, 2_600, 3_100, 3_200, 4_010].map((cutAt) => ({ cutAt }))
  await download()
  expect(await bytesIn(chunks)).toEqual(content)
  expect(server.sentBytes).toBe(4_500)
})

test('a server that cannot continue and never gets to the end is given up', async () => {
  const { server, download } = setUp()
  server.lastingFault = { ignoreRange: true, cutAt: 2_500 }
  await expect(download()).rejects.toMatchObject({ code: 'download-failed' })
  expect(server.requests.length).toBeLessThanOrEqual(6)
})

test('a body that stays open after its last byte is taken as whole', async () => {
  const { server, download, chunks, waits } = setUp()
  server.faults = [{ stallAt: 4_500 }]
  await download()
  expect(waits).toEqual([])
  expect(server.requests).toHaveLength(1)
  expect(await bytesIn(chunks)).toEqual(content)
})

test('an abort keeps what is stored, and the next try moves only the rest', async () => {
  const { server, download, chunks, ranges, progress } = setUp({ etag: '"v1"' })
  const controller = new AbortController()
  const reason = new Error('enough')
  server.onPiece = (position) => {
    if (position >= 3_300) controller.abort(reason)
  }
  await expect(download({ signal: controller.signal })).rejects.toBe(reason)
  expect([...(await chunks.indexes(file.sha256))]).toEqual([0, 1, 2])
  server.onPiece = () => {}
  const before = server.sentBytes
  progress.length = 0
  await download()
  expect(ranges()).toEqual([null, 'bytes=3000-'])
  expect(server.requests[1]?.ifRange).toBe('"v1"')
  expect(server.sentBytes - before).toBe(1_500)
  expect(progress[0]?.loadedBytes).toBe(3_000)
  expect(await bytesIn(chunks)).toEqual(content)
})

test('an abort while it waits for the next try ends the wait', async () => {
  const { server, download } = setUp()
  const controller = new AbortController()
  server.lastingFault = { status: 500 }
  const sleep = async (_: number, signal?: AbortSignal) => {
    controller.abort('stop')
    signal?.throwIfAborted()
  }
  await expect(download({ signal: controller.signal, sleep })).rejects.toBe('stop')
  expect(server.requests).toHaveLength(1)
})

test('holes between stored chunks are filled, and nothing else is fetched', async () => {
  const store = createMemoryStore()
  const { download, chunks, ranges, server, progress } = setUp({ store })
  await download()
  await chunks.removeChunk(file.sha256, 1)
  const sha256 = await sha256Hex(content.slice(3_000, 4_000))
  await store.set(`${file.sha256}/3`, { blob: new Blob([fakeBytes(1_000, 6)]), sha256 })
  const before = server.sentBytes
  progress.length = 0
  await download()
  expect(ranges()).toEqual([null, 'bytes=1000-1999', 'bytes=3000-3999'])
  expect(server.sentBytes - before).toBe(2_000)
  const loaded = progress.map((report) => report.loadedBytes)
  expect(loaded).toEqual([...loaded].sort((a, b) => a - b))
  expect(await bytesIn(chunks)).toEqual(content)
})

test('chunks of another size, from another version, are replaced', async () => {
  const { download, chunks } = setUp()
  await download({ chunkBytes: 400 })
  const stored = await download()
  expect(stored.chunks).toHaveLength(5)
  expect(await bytesIn(chunks)).toEqual(content)
})

test('a full device: the partial file is gone, the others stay', async () => {
  const store = createMemoryStore()
  await store.set('other/0', { blob: new Blob(['x']), sha256: '0'.repeat(64) })
  const set = store.set
  const full: KeyValueStore = {
    ...store,
    set: async (key, value) => {
      if (key.endsWith('/2')) throw new DOMException('full', 'QuotaExceededError')
      await set(key, value)
    },
  }
  const { download } = setUp({ store: full })
  await expect(download()).rejects.toMatchObject({ name: 'ModelError', code: 'storage-full' })
  expect(await store.keys()).toEqual(['other/0'])
})

test('whatever happens: the right bytes or a typed error, and progress that never passes the total', async () => {
  const position = fc.integer({ min: 0, max: 4_499 })
  const fault = fc.oneof(
    fc.record({ cutAt: position }),
    fc.record({ endAt: position }),
    fc.record({ stallAt: position }),
    fc.record({ flipAt: position }),
    fc.record({ tooLong: fc.integer({ min: 1, max: 900 }) }),
    fc.record({ cutAt: position, ignoreRange: fc.constant(true as const) }),
    fc.record({ cutAt: position, contentRange: fc.constantFrom('bytes 1-2/3', 'bytes 0-4499/4500', null) }),
    fc.constantFrom<FakeFault>({ offline: true }, { silent: true }, { status: 500 }, { status: 404 }, { html: 'hi' }),
    fc.constant(undefined),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fault, { maxLength: 12 }),
      fc.integer({ min: 200, max: 5_000 }),
      fc.boolean(),
      async (faults, chunkBytes, hasEtag) => {
        const { server, download, chunks, progress, timers } = setUp(hasEtag ? { etag: '"v"' } : {})
        server.faults = [...faults]
        try {
          const stored = await download({ chunkBytes })
          expect(await bytesIn(chunks)).toEqual(content)
          expect(stored.chunks).toHaveLength(Math.ceil(4_500 / chunkBytes))
        } catch (error) {
          if (!(error instanceof ModelError)) throw error
        }
        for (const { loadedBytes, totalBytes } of progress) expect(loadedBytes).toBeLessThanOrEqual(totalBytes)
        expect(timers.size).toBe(0)
        // What is left behind must never keep a later download from succeeding.
        server.faults = []
        await download({ chunkBytes })
        expect(await bytesIn(chunks)).toEqual(content)
      },
    ),
    { numRuns: 60 },
  )
}, 30_000)
