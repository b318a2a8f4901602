import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import { createEndpoint } from 'hither-endpoint'
import { build } from 'vite'

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** A page of the site that embeds. */
export interface SitePage {
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export const embeddingDocs = (): string => readFileSync(root('docs/embedding.md'), 'utf8')

/** The policy that docs/embedding.md gives, for this host. */
export function documentedPolicy(host: string): string {
  const [, block] = /Add to a strict policy:\n+```\n([^`]*)```/.exec(embeddingDocs()) ?? []
  if (block === undefined) throw new Error('docs/embedding.md gives no policy')
  return block.replaceAll('https://host.example', host).replaceAll('\n', ' ').trim()
}

/** One of the examples, bundled, with its page naming this host's script. */
export async function bundleExample(name: 'react' | 'vue', host: string, base: string): Promise<Map<string, string>> {
  const made = await build({
    root: root(`examples/${name}`),
    configFile: false,
    base,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: { write: false, modulePreload: false, reportCompressedSize: false },
  })
  const files = new Map<string, string>()
  for (const { output } of [made].flat() as { output: { fileName: string; code?: string; source?: unknown }[] }[]) {
    for (const { fileName, code, source } of output) {
      files.set(`/${fileName}`, (code ?? String(source)).replaceAll('http://localhost:8420', host))
    }
  }
  return files
}

/** What goes wrong on a page and in its frames from now on: errors, and what a policy refuses. */
export async function noteTroubles(page: Page): Promise<readonly string[]> {
  const troubles: string[] = []
  page.on('pageerror', ({ message }) => troubles.push(message))
  page.on('console', (message) => {
    const { url } = message.location()
    // An endpoint that takes no reports has no notices; browsers note each 404.
    if (message.type() === 'error' && !url.endsWith('/hither/v1/notices')) troubles.push(`${message.text()} ${url}`)
  })
  await page.exposeFunction('noteViolation', (violation: string) => troubles.push(violation))
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) => {
      void (globalThis as unknown as { noteViolation(text: string): void }).noteViolation(
        [violatedDirective, blockedURI, sample].join(' '),
      )
    })
  })
  return troubles
}

/**
 * A site of another origin, and another host, than the Hither endpoint that it embeds the widget of. Pages are shown by
 * their path; nothing on them is cross-origin isolated unless their headers say so.
 */
export async function openEmbeddingSite(options: { readonly appDir?: string; readonly modelsDir?: string } = {}) {
  const pages = new Map<string, SitePage>()
  const files = new Map<string, string>()
  const server = createServer(({ url = '/' }, response) => {
    const path = url.split('?')[0] ?? '/'
    const page = pages.get(path)
    const file = files.get(path)
    if (page !== undefined) {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', ...page.headers })
      response.end(
        `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A site</title></head><body>${page.body}</body></html>`,
      )
    } else if (file !== undefined) {
      const type = path.endsWith('.html') ? 'text/html' : 'text/javascript'
      response
        .writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, 'Access-Control-Allow-Origin': '*' })
        .end(file)
    } else response.writeHead(path === '/favicon.ico' ? 204 : 404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  const origin = `http://127.0.0.1:${port}`

  const endpoint = await createEndpoint({
    modelsDir: options.modelsDir ?? root('packages/hither-models/models'),
    appDir: options.appDir ?? root('dist-app'),
    workers: 1,
    embedOn: [origin],
  })
  const listening = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  const host = `http://localhost:${listening.port}`
  return {
    /** Of the site. */
    origin,
    /** The same site under a name that the endpoint lets embed nothing. */
    strangerOrigin: `http://localhost:${port}`,
    /** Of the endpoint whose widget it embeds. */
    host,
    script: `<script type="module" src="${host}/widget.js"></script>`,
    /** Puts a page there, and gives its address. */
    show(path: string, page: SitePage): string {
      pages.set(path, page)
      return `${origin}${path}`
    },
    addFiles(folder: string, added: ReadonlyMap<string, string>): void {
      for (const [path, text] of added) files.set(`${folder}${path}`, text)
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await endpoint.close()
    },
  }
}

export type EmbeddingSite = Awaited<ReturnType<typeof openEmbeddingSite>>
