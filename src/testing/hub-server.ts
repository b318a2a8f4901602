import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'

const revision = 'a'.repeat(40)

/** A model hub with Hugging Face's layout: a listing, and files of which the large ones are redirected to another origin. */
export async function openHubServer(
  repository: string,
  files: Readonly<Record<string, Uint8Array>>,
  options: { readonly token?: string; readonly isLarge?: (path: string) => boolean } = {},
) {
  const { token, isLarge = (path) => /\.onnx/.test(path) } = options
  const requests: {
    readonly origin: 'hub' | 'files'
    readonly path: string
    readonly authorization: string | undefined
  }[] = []
  const log = (origin: 'hub' | 'files', request: IncomingMessage) =>
    requests.push({ origin, path: request.url ?? '', authorization: request.headers.authorization })
  const listen = (server: ReturnType<typeof createServer>) =>
    new Promise<string>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
      })
    })

  const storage = createServer((request, response) => {
    log('files', request)
    const bytes = files[decodeURIComponent((request.url ?? '').slice(1))]
    if (bytes === undefined) return void response.writeHead(404).end()
    const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const end = to === '' ? bytes.length : Number(to) + 1
    const isPart = request.headers.range !== undefined
    response.writeHead(isPart ? 206 : 200, {
      'Access-Control-Allow-Origin': '*',
      ...(isPart ? { 'Content-Range': `bytes ${from}-${end - 1}/${bytes.length}` } : {}),
    })
    response.end(bytes.subarray(Number(from), end))
  })
  const storageOrigin = await listen(storage)

  const hub = createServer((request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    if (request.method === 'OPTIONS') {
      return void response.writeHead(204, { 'Access-Control-Allow-Headers': 'Authorization, Range' }).end()
    }
    log('hub', request)
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return void response.writeHead(401).end('Sign in')
    }
    const { pathname } = new URL(request.url ?? '/', 'http://h')
    if (
      pathname === `/api/models/${repository}/revision/main` ||
      pathname === `/api/models/${repository}/revision/${revision}`
    ) {
      const siblings = Object.entries(files).map(([rfilename, bytes]) => {
        const sha256 = createHash('sha256').update(bytes).digest('hex')
        const blobId = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
        const size = bytes.length
        return { rfilename, size, blobId, ...(isLarge(rfilename) ? { lfs: { sha256, size, pointerSize: 134 } } : {}) }
      })
      response.setHeader('Content-Type', 'application/json')
      return void response.end(
        JSON.stringify({ id: repository, sha: revision, siblings, cardData: { license: 'mit' } }),
      )
    }
    const [, escaped] = pathname.split(`/${repository}/resolve/${revision}/`)
    const path = escaped === undefined ? undefined : decodeURIComponent(escaped)
    const bytes = path === undefined ? undefined : files[path]
    if (path === undefined || bytes === undefined) return void response.writeHead(404).end()
    if (isLarge(path)) return void response.writeHead(302, { Location: `${storageOrigin}/${escaped}` }).end()
    response.end(bytes)
  })
  const origin = await listen(hub)
  return {
    origin,
    revision,
    requests,
    async close() {
      for (const server of [hub, storage]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}
