import { sha256 } from 'hash-wasm'
import { describe, expect, test } from 'vitest'
import type { ModelFile } from '../../contracts/manifest.ts'
import { createFakeFileServer, fakeBytes } from '../../testing/fake-file-server.ts'
import { createChunkStore } from '../chunks/chunk-store.ts'
import { createMemoryStore } from '../chunks/key-value-store.ts'
import { sha256Hex } from '../chunks/sha256.ts'
import { type DownloadOptions, downloadFile } from './download-file.ts'

const content = fakeBytes(16_300)
const chunkBytes = 1_000
const file: ModelFile = { path: 'graph.onnx', bytes: content.byteLength, sha256: await sha256(content) }
const chunkHashes = await Promise.all(
  Array.from({ length: 17 }, (_, index) => sha256Hex(content.slice(index * chunkBytes, (index + 1) * chunkBytes))),
)
const first = 'https://one.test/graph.onnx'
const second = 'https://two.test/graph.onnx'

function setUp() {
  const server = createFakeFileServer({ '/graph.onnx': { bytes: content, etag: '"v1"' } })
  const chunks = createChunkStore(createMemoryStore())
  const waits: number[] = []
  const options: DownloadOptions = {
    chunks,
    chunkBytes,
    segmentBytes: 2_000,
    connections: 4,
    fetch: server.fetch,
    origin: undefined,
    random: () => 1,
    sleep: async (ms) => {
      waits.push(ms)
    },
  }
  const stored = async () => {
    const parts = Array.from({ length: 17 }, async (_, index) => (await chunks.get(file.sha256, index))?.bytes)
    return new Uint8Array(await new Blob((await Promise.all(parts)).map((part) => part ?? '')).arrayBuffer())
  }
  return { server, chunks, options, waits, stored }
}

describe('parallel ranges', () => {
  test('several are open at a time, and no byte is asked for twice', async () => {
    const { server, options, stored } = setUp()
    let open = 0
    let most = 0
    const fetch: NonNullable<DownloadOptions['fetch']> = async (url, init) => {
      open += 1
      most = Math.max(most, open)
      const response = await server.fetch(url, init)
      // As a network does, this one gives the others a turn between two pieces.
      const transform = async (piece: Uint8Array, controller: TransformStreamDefaultController) => {
        await new Promise((resolve) => setTimeout(resolve))
        controller.enqueue(piece)
      }
      const flush = () => {
        open -= 1
      }
      const body = response.body?.pipeThrough(new TransformStream({ transform, flush }))
      return new Response(body ?? null, response)
    }
    await downloadFile(file, [first], { ...options, fetch })
    expect(await stored()).toEqual(content)
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(4)
    expect(server.sentBytes).toBe(content.byteLength)
  })

  test('a server without ranges sends the whole file once, on one connection', async () => {
    const { server, options, stored } = setUp()
    server.lastingFault = { ignoreRange: true }
    await downloadFile(file, [first], options)
    expect(await stored()).toEqual(content)
    expect(server.requests).toHaveLength(1)
    expect(server.sentBytes).toBe(content.byteLength)
  })

  test('one that breaks continues at its very byte while the others go on', async () => {
    const { server, options, stored } = setUp()
    let isCut = false
    const fetch: NonNullable<DownloadOptions['fetch']> = (url, init) => {
      const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init.headers).get('Range') ?? '') ?? []
      if (!isCut && Number(start) < 3_500 && Number(end) > 3_500) {
        isCut = true
        server.faults = [{ cutAt: 3_500 }]
      }
      return server.fetch(url, init)
    }
    await downloadFile(file, [first], { ...options, fetch })
    expect(await stored()).toEqual(content)
    expect(server.requests.some(({ range }) => range?.startsWith('bytes=3500-'))).toBe(true)
    expect(server.sentBytes).toBe(content.byteLength)
  })

  test('a file that changes on the server half way is never spliced', async () => {
    const { server, options, stored } = setUp()
    server.files.set('/graph.onnx', { bytes: fakeBytes(16_300, 7), etag: '"old"' })
    server.onPiece = () => {
      if (server.sentBytes > 5_000) server.files.set('/graph.onnx', { bytes: content, etag: '"v1"' })
    }
    await downloadFile(file, [first], options)
    expect(await stored()).toEqual(content)
  })
})

describe('several mirrors', () => {
  test.each([404, 503])('the next one is asked when the first answers %i', async (status) => {
    const { server, options, stored } = setUp()
    const fetch: NonNullable<DownloadOptions['fetch']> = async (url, init) =>
      url === first ? new Response('no', { status }) : server.fetch(url, init)
    await downloadFile(file, [first, second], { ...options, fetch })
    expect(await stored()).toEqual(content)
  })

  test('one that sends other bytes is left for the next', async () => {
    const { server, options, stored } = setUp()
    const liar = createFakeFileServer({ '/graph.onnx': fakeBytes(16_300, 9) })
    const fetch: NonNullable<DownloadOptions['fetch']> = (url, init) =>
      url === first ? liar.fetch(url, init) : server.fetch(url, init)
    await downloadFile(file, [first, second], { ...options, fetch })
    expect(await stored()).toEqual(content)
  })

  test('when none has it, each was asked and the error is typed', async () => {
    const { options, waits } = setUp()
    const asked: string[] = []
    const fetch = async (url: string) => {
      asked.push(url)
      return new Response('no', { status: 503, headers: { 'Retry-After': '7' } })
    }
    await expect(downloadFile(file, [first, second], { ...options, fetch })).rejects.toMatchObject({
      code: 'download-failed',
    })
    expect(asked.filter((url) => url === first)).toHaveLength(5)
    expect(asked.filter((url) => url === second)).toHaveLength(5)
    // The server asked for seven seconds: longer than the back-off's own first steps.
    expect(waits).toEqual([7_000, 7_000, 7_000, 7_000])
  })
})

describe('chunk hashes of the manifest', () => {
  const withChunks: ModelFile = { ...file, chunks: { bytes: chunkBytes, sha256: chunkHashes } }

  test('a flipped bit costs one chunk, not the file', async () => {
    const { server, options, stored } = setUp()
    server.faults = [{ flipAt: 1_500 }]
    await downloadFile(withChunks, [first], { ...options, connections: 1 })
    expect(await stored()).toEqual(content)
    expect(server.sentBytes).toBeLessThan(content.byteLength + 2 * chunkBytes)
  })

  test('a chunk that comes wrong again fails closed', async () => {
    const { server, options, chunks } = setUp()
    server.lastingFault = { flipAt: 1_500 }
    await expect(downloadFile(withChunks, [first], options)).rejects.toMatchObject({ code: 'download-wrong-hash' })
    expect(await chunks.files()).toEqual(new Map())
  })
})

test('the total timeout ends a download that is alive all the time, and keeps what came', async () => {
  const { server, options, chunks } = setUp()
  const callbacks: (() => void)[] = []
  const timers = {
    setTimeout: (callback: () => void, ms: number) => (ms === 60_000 ? callbacks.push(callback) : 0),
    clearTimeout: () => {},
  }
  server.onPiece = () => {
    if (server.sentBytes > 4_000) for (const callback of callbacks.splice(0)) callback()
  }
  await expect(downloadFile(file, [first], { ...options, timers, totalMs: 60_000 })).rejects.toMatchObject({
    code: 'download-failed',
  })
  expect((await chunks.indexes(file.sha256)).size).toBeGreaterThan(0)
})
