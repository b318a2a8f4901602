import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
}

/** A plain file server with `folder` below `base`, beside another app: a page at every other address of the origin. */
export async function openStaticSite(folder: string, base: string, otherPage: string) {
  const others: string[] = []
  const fileAt = (path: string) => {
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path)
    return statSync(file, { throwIfNoEntry: false })?.isFile() ? file : undefined
  }
  const server = createServer(({ url = '/' }, response) => {
    const path = decodeURIComponent(url.split('?')[0] ?? '/')
    if (!path.startsWith(base)) {
      others.push(path)
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(otherPage)
      return
    }
    const file = fileAt(path.slice(base.length) || '/')
    if (file === undefined) return void response.writeHead(404).end()
    response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' })
    createReadStream(file).pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    origin: `http://localhost:${typeof address === 'object' ? address?.port : 0}`,
    /** Paths of the other app that somebody asked for. */
    others: others as readonly string[],
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
