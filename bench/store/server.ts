import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { drained } from '../../src/testing/drained.ts'
import { plainManifest } from '../../src/testing/fake-manifest.ts'

const pieceBytes = 64 * 1024

/** One repeatable megabyte, turned a little at every use: any number of bytes without holding them. */
const block = (() => {
  const bytes = Buffer.alloc(1_048_576)
  let state = 0x9e3779b9
  for (let index = 0; index < bytes.length; index += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[index] = state & 0xff
  }
  return bytes
})()

/** Bytes of an endless file, each megabyte another one. */
function bytesAt(start: number, end: number): Buffer {
  const piece = Buffer.allocUnsafe(end - start)
  for (let at = start; at < end; at += 1) {
    const turn = Math.floor(at / block.length) * 7919
    piece[at - start] = block[(at + turn) % block.length] ?? 0
  }
  return piece
}

/** A server of one model of this size, in Hither's layout and in a hub's, that cuts the first connection of each. */
export async function openModelServer(bytes: number, cutShare: number | undefined) {
  const hasher = createHash('sha256')
  for (let at = 0; at < bytes; at += block.length) hasher.update(bytesAt(at, Math.min(bytes, at + block.length)))
  const sha256 = hasher.digest('hex')
  const sent = new Map<string, number>()
  const cut = new Set<string>()
  const json: Record<string, unknown> = {
    '/models/catalog.json': { format: 1, models: [{ name: 'bench', revision: '1', manifest: 'bench/manifest.json' }] },
    '/models/bench/manifest.json': plainManifest({
      name: 'bench',
      revision: '1',
      files: [{ path: 'model.onnx', bytes, sha256 }],
    }),
    '/bench/model/resolve/main/config.json': { model_type: 'bert', architectures: ['BertModel'] },
  }
  const kinds: Record<string, string> = {
    '/models/bench/model.onnx': 'hither',
    '/bench/model/resolve/main/onnx/model.onnx': 'transformers',
  }
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://h')
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('Access-Control-Allow-Headers', '*')
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
    const kind = kinds[pathname]
    if (pathname in json)
      return void response.setHeader('Content-Type', 'application/json').end(JSON.stringify(json[pathname]))
    if (kind === undefined || request.method === 'OPTIONS') return void response.writeHead(kind ? 204 : 404).end()
    const send = async () => {
      const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
      const isPart = request.headers.range !== undefined
      const start = Number(from)
      const end = to === '' ? bytes : Number(to) + 1
      response.writeHead(isPart ? 206 : 200, {
        'Content-Length': end - start,
        ETag: `"${sha256.slice(0, 16)}"`,
        ...(isPart ? { 'Content-Range': `bytes ${start}-${end - 1}/${bytes}` } : {}),
      })
      if (request.method === 'HEAD') return void response.end()
      const cutAt = cutShare === undefined ? bytes : Math.floor(bytes * cutShare)
      for (let at = start; at < end && !response.destroyed; at += pieceBytes) {
        if ((sent.get(kind) ?? 0) >= cutAt && !cut.has(kind)) {
          cut.add(kind)
          await new Promise((resolve) => response.write('', resolve))
          response.destroy()
          return
        }
        const piece = bytesAt(at, Math.min(end, at + pieceBytes))
        sent.set(kind, (sent.get(kind) ?? 0) + piece.length)
        if (!response.write(piece)) {
          await drained(response)
        }
      }
      response.end()
    }
    send().catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    origin: `http://localhost:${address.port}`,
    sent: (kind: 'hither' | 'transformers') => sent.get(kind) ?? 0,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
