import { posix, resolve } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { contentPolicy } from '../http/security-headers.ts'
import type { Models } from '../model-folder/load-models.ts'

const forEver = 'public, max-age=31536000, immutable'

/** Statuses of an answer that holds a file, or says that the one already there is still good. */
const isFile = (status: number): boolean => status === 200 || status === 206 || status === 304

/**
 * Serves the models' files below `/models/`, and no other file of that folder. Ranges work, so a download can go on
 * where it was cut; nothing on the way may change the bytes, whose hash is checked.
 */
export async function addModelFiles(app: FastifyInstance, modelsDir: string, models: () => Models): Promise<void> {
  const known = new WeakMap<Models, ReadonlySet<string>>()
  const filesOf = (now: Models) => {
    const files = known.get(now) ?? listFiles(now)
    known.set(now, files)
    return files
  }
  app.addHook('onSend', async ({ url }, reply) => {
    if (!isFile(reply.statusCode)) return
    // A revision's files never change; what names the revision does.
    const path = url.split('?')[0] ?? ''
    const mayChange = path.endsWith('/catalog.json') || path.endsWith('/manifest.json')
    reply.header('Cache-Control', `${mayChange ? 'no-cache' : forEver}, no-transform`)
    reply.header('Cross-Origin-Resource-Policy', 'cross-origin')
  })
  // From memory: a folder without a catalogue has one all the same, and it names what was verified.
  app.get('/models/catalog.json', async (_, reply) => reply.type('application/json').send(models().catalog))
  await app.register(fastifyStatic, {
    root: resolve(modelsDir),
    serve: false,
    index: false,
    cacheControl: false,
    dotfiles: 'ignore',
  })
  // A route of our own: the plugin's leaves `%23` and `%3F` as they are, so it finds no file with `#` or `?` in its name.
  app.get<{ Params: { '*': string } }>('/models/*', async (request, reply) => {
    const path = posix.join('/', request.params['*'])
    return filesOf(models()).has(path) ? reply.sendFile(path.slice(1)) : reply.callNotFound()
  })
}

function listFiles({ records }: Models): ReadonlySet<string> {
  const files = new Set<string>()
  for (const { manifestPath, manifest } of records) {
    if (manifestPath === undefined) continue
    const folder = posix.join('/', posix.dirname(manifestPath))
    files.add(posix.join('/', manifestPath))
    for (const { path } of manifest?.files ?? []) files.add(posix.join(folder, path))
    if (manifest?.card !== undefined) files.add(posix.join(folder, manifest.card))
  }
  return files
}

/** What a page of another origin loads to embed the widget: anyone may, and the frame's page says who may show it. */
const isEmbeddable = (path: string): boolean => path.startsWith('/assets/') || path.startsWith('/widget')

/** Serves the built app. Files below `/assets/` have their content's hash in their name; the rest is asked for each time. */
export async function addAppFiles(
  app: FastifyInstance,
  appDir: string,
  { connectTo, embedOn }: { readonly connectTo: () => readonly string[]; readonly embedOn: readonly string[] },
): Promise<void> {
  app.addHook('onSend', async ({ url }, reply) => {
    if (!isFile(reply.statusCode)) return
    if (isEmbeddable(url)) {
      // A module of another origin is fetched with CORS; these files are the same for everyone.
      reply.header('Access-Control-Allow-Origin', '*')
      reply.header('Cross-Origin-Resource-Policy', 'cross-origin')
    }
    reply.header('Cache-Control', url.startsWith('/assets/') ? forEver : 'no-cache')
    reply.header('Vary', 'Accept-Encoding')
    // The type of RFC 9239, which the older one here became.
    const type = String(reply.getHeader('Content-Type') ?? '')
    if (type.startsWith('text/html')) {
      const frameAncestors = url.startsWith('/widget-frame') ? embedOn : []
      reply.header(
        'Content-Security-Policy',
        contentPolicy({ connectTo: connectTo(), frameAncestors, trustedTypes: true }),
      )
    }
    if (type.startsWith('application/javascript')) reply.type('text/javascript; charset=utf-8')
  })
  await app.register(fastifyStatic, {
    root: resolve(appDir),
    prefix: '/',
    preCompressed: true,
    cacheControl: false,
    dotfiles: 'ignore',
    decorateReply: false,
  })
}
