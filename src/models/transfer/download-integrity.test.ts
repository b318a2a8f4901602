import { describe, expect, test } from 'vitest'
import { bytesIn, content, setUp } from '../../testing/download-fixture.ts'
import { type FakeFault, fakeBytes } from '../../testing/fake-file-server.ts'

describe('never splices two versions of a file', () => {
  test('Range ignored: the whole file is taken from its first byte', async () => {
    const { server, download, chunks } = setUp()
    server.faults = [{ cutAt: 2_300 }, { ignoreRange: true }]
    await download()
    expect(await bytesIn(chunks)).toEqual(content)
    expect(server.requests).toHaveLength(2)
  })

  test('changed ETag: the server is asked with If-Range and what is stored is dropped', async () => {
    const { server, download, chunks } = setUp({ bytes: fakeBytes(4_500, 9), etag: '"old"' })
    server.faults = [{ cutAt: 2_300 }]
    server.onPiece = (position) => {
      if (position >= 2_100) server.files.set('/m/graph.onnx', { bytes: content, etag: '"new"' })
    }
    await download()
    expect(server.requests[1]).toMatchObject({ range: 'bytes=2300-', ifRange: '"old"' })
    expect(server.requests).toHaveLength(2)
    expect(await bytesIn(chunks)).toEqual(content)
  })

  test('changed ETag from a server that knows no If-Range, or is of another origin', async () => {
    const { server, download, chunks } = setUp({ bytes: fakeBytes(4_500, 9), etag: '"old"' })
    server.faults = [{ cutAt: 2_300 }]
    server.onPiece = (position) => {
      if (position >= 2_100) server.files.set('/m/graph.onnx', { bytes: content, etag: '"new"' })
    }
    await download({ origin: 'https://page.test' })
    expect(server.requests.map(({ range, ifRange }) => [range, ifRange])).toEqual([
      [null, null],
      ['bytes=2300-', null],
      [null, null],
    ])
    expect(server.sentBytes).toBe(2_300 + 4_500)
    expect(server.cancelled).toBe(1)
    expect(await bytesIn(chunks)).toEqual(content)
  })

  test.each([
    'bytes 0-4499/4500',
    'bytes 2301-4499/4500',
    'bytes 2300-4499/9000',
    'bytes 2300-99999/*',
    'nonsense',
    null,
  ])('a 206 that says "%s" is refused', async (contentRange) => {
    const { server, download, chunks, ranges } = setUp()
    server.faults = [{ cutAt: 2_300 }, { contentRange }]
    await download()
    expect(ranges()).toEqual([null, 'bytes=2300-', null])
    expect(await bytesIn(chunks)).toEqual(content)
  })

  test('a server whose file became shorter (416) is asked for the whole one', async () => {
    const { server, download, ranges } = setUp()
    server.faults = [{ cutAt: 2_300 }, { status: 416 }]
    await download()
    expect(ranges()).toEqual([null, 'bytes=2300-', null])
  })
})

describe('refuses what is not the file', () => {
  test.each<[string, FakeFault]>([
    ['a sign-in page', { html: '<html>Please sign in</html>' }],
    ['an empty body', { html: '' }],
  ])('%s', async (_, fault) => {
    const { server, download, chunks } = setUp()
    server.lastingFault = fault
    await expect(download()).rejects.toMatchObject({
      code: 'download-wrong-size',
      message: expect.stringContaining('It sent a web page'),
    })
    expect(server.requests).toHaveLength(5)
    expect(await chunks.files()).toEqual(new Map())
  })

  test('a longer file, at its first byte too many', async () => {
    const { server, download, chunks } = setUp()
    server.lastingFault = { tooLong: 10_000 }
    await expect(download()).rejects.toMatchObject({ code: 'download-wrong-size' })
    expect(server.requests).toHaveLength(1)
    expect(server.sentBytes).toBeLessThan(5_200)
    expect(server.cancelled).toBe(1)
    expect(await chunks.files()).toEqual(new Map())
  })

  test('a flipped bit: one refetch', async () => {
    const { server, download, chunks, ranges } = setUp()
    server.faults = [{ flipAt: 1_234 }]
    await download()
    expect(ranges()).toEqual([null, null])
    expect(await bytesIn(chunks)).toEqual(content)
  })

  test('a bit that is flipped every time: nothing is stored', async () => {
    const { server, download, chunks } = setUp()
    server.lastingFault = { flipAt: 1_234 }
    await expect(download()).rejects.toMatchObject({ code: 'download-wrong-hash' })
    expect(server.requests).toHaveLength(2)
    expect(await chunks.files()).toEqual(new Map())
  })
})
