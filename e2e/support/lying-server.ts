import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Manifest } from '../../src/contracts/manifest.ts'
import { drained } from '../../src/testing/drained.ts'
import { plainManifest } from '../../src/testing/fake-manifest.ts'

/** What goes wrong with one request for a model's file. Positions count from the file's first byte. */
export interface Lie {
  readonly status?: number
  /** This text, with 200, instead of the file. */
  readonly page?: string
  /** The socket is destroyed before this byte. */
  readonly cutAt?: number
  /** The body ends before this byte, and its length was never told. */
  readonly endAt?: number
  /** Nothing more comes from this byte on; the socket stays open. */
  readonly stallAt?: number
  readonly flipAt?: number
  readonly ignoreRange?: true
  readonly gzip?: true
  /** What the path has from this request's answer on. */
  readonly becomes?: ServedFile
}

export interface LoggedRequest {
  readonly path: string
  readonly range: string | undefined
  readonly at: number
  sentBytes: number
}

interface ServedFile {
  bytes: Buffer
  etag: string
}

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
}
const pieceBytes = 64 * 1024

/** A server of a built page and of models, which lies about the models on order. */
export async function openLyingServer(appDir: string) {
  const files = new Map<string, ServedFile>()
  const manifests = new Map<string, Manifest>()
  const withdrawn: { name: string; revision: string }[] = []
  const requests: LoggedRequest[] = []
  /** Answers that have fallen silent, their sockets open. */
  const stalled = new Set<ServerResponse>()
  const state = {
    /** Lies for the next requests of model files, one each. */
    lies: [] as (Lie | undefined)[],
    lastingLie: undefined as Lie | undefined,
    /** Put before the second worker's script: takes from it what the browser has. */
    workerPrelude: '',
    serial: 1,
  }

  async function sendFile(request: IncomingMessage, response: ServerResponse, path: string, file: ServedFile) {
    const { range } = request.headers
    const logged: LoggedRequest = { path, range, at: Date.now(), sentBytes: 0 }
    requests.push(logged)
    const lie = (state.lies.length > 0 ? state.lies.shift() : state.lastingLie) ?? {}
    if (lie.becomes !== undefined) files.set(path, lie.becomes)
    if (lie.status !== undefined) return void response.writeHead(lie.status).end('no')
    if (lie.page !== undefined) return void response.writeHead(200, { 'Content-Type': 'text/html' }).end(lie.page)
    const total = file.bytes.length
    if (lie.gzip) {
      const body = gzipSync(file.bytes, { level: 1 })
      response.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': body.length })
      return void response.end(body)
    }
    const match = /^bytes=(\d+)-(\d*)$/.exec(range ?? '')
    const isCurrent = request.headers['if-range'] === undefined || request.headers['if-range'] === file.etag
    const isPart = match !== null && isCurrent && !lie.ignoreRange
    const start = isPart ? Number(match[1]) : 0
    const end = isPart && match[2] ? Math.min(total, Number(match[2]) + 1) : total
    response.writeHead(isPart ? 206 : 200, {
      'Content-Type': 'application/octet-stream',
      ETag: file.etag,
      ...(isPart ? { 'Content-Range': `bytes ${start}-${end - 1}/${total}` } : {}),
      ...(lie.endAt === undefined ? { 'Content-Length': end - start } : {}),
    })
    const stop = Math.min(end, lie.cutAt ?? end, lie.endAt ?? end, lie.stallAt ?? end)
    for (let at = start; at < stop && !response.destroyed; at += pieceBytes) {
      let piece = file.bytes.subarray(at, Math.min(stop, at + pieceBytes))
      const flip = (lie.flipAt ?? -1) - at
      if (flip >= 0 && flip < piece.length) {
        piece = Buffer.from(piece)
        piece[flip] = (piece[flip] ?? 0) ^ 1
      }
      logged.sentBytes += piece.length
      if (!response.write(piece)) await drained(response)
    }
    if (stop < end && lie.stallAt !== undefined) {
      stalled.add(response)
      return
    }
    if (stop < end && lie.cutAt !== undefined) {
      // What was written must arrive before the socket goes.
      await new Promise((resolve) => response.write('', resolve))
      response.destroy()
      return
    }
    response.end()
  }

  const sendJson = (response: ServerResponse, value: unknown) =>
    void response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', 'http://h')
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    const file = files.get(pathname)
    if (file !== undefined) return sendFile(request, response, pathname, file)
    if (pathname === '/models/catalog.json') {
      const models = [...manifests].map(([path, { name, revision }]) => ({ name, revision, manifest: path }))
      return sendJson(response, { format: 1, serial: state.serial, models, withdrawn })
    }
    const manifest = manifests.get(pathname)
    if (manifest !== undefined) return sendJson(response, manifest)
    const onDisk = join(appDir, pathname === '/' ? 'index.html' : pathname)
    if (!existsSync(onDisk) || !statSync(onDisk).isFile()) return void response.writeHead(404).end('Not found')
    response.writeHead(200, { 'Content-Type': types[extname(onDisk)] ?? 'application/octet-stream' })
    if (pathname.includes('background.worker')) response.write(state.workerPrelude)
    createReadStream(onDisk).pipe(response)
  }
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')

  return Object.assign(state, {
    origin: `http://localhost:${address.port}`,
    files,
    requests,
    withdrawn,
    /** Bytes of model files that went out. */
    sentBytes: () => requests.reduce((sum, request) => sum + request.sentBytes, 0),
    /** Destroys the sockets that have fallen silent: what they sent has arrived by then, as far as a test waited for it. */
    cutStalled() {
      for (const response of stalled) response.destroy()
      stalled.clear()
    },
    forget() {
      requests.length = 0
      state.lies = []
      state.lastingLie = undefined
    },
    /** Publishes a model of random bytes, or of these; returns the path of its file. */
    publish(name: string, content: number | Buffer, changes: Partial<Manifest> = {}): string {
      const bytes = typeof content === 'number' ? randomBytes(content) : content
      const revision = changes.revision ?? '1'
      const path = `/models/${name}/${revision}/model.onnx`
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      files.set(path, { bytes, etag: `"${sha256.slice(0, 16)}"` })
      for (const [known, { name: other }] of manifests) if (other === name) manifests.delete(known)
      const manifest = plainManifest({
        name,
        revision,
        files: [{ path: 'model.onnx', bytes: bytes.length, sha256 }],
        ...changes,
      })
      manifests.set(`/models/${name}/${revision}/manifest.json`, manifest)
      return path
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

export type LyingServer = Awaited<ReturnType<typeof openLyingServer>>
