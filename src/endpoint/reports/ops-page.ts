import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'

/** Beside the compiled endpoint; it is made by `npm run build`. */
const builtPage = fileURLToPath(new URL('../../ops-page/', import.meta.url))

/**
 * Serves the operator's page from `/ops/`. It holds nothing by itself: what it shows it asks for, with a token.
 *
 * It runs no worker, so that its policy can be the stricter one, with Trusted Types.
 */
export async function addOpsPage(app: FastifyInstance, root = builtPage): Promise<void> {
  app.addHook('onRequest', async (_, reply) => {
    const policy = String(reply.getHeader('Content-Security-Policy') ?? '')
    reply.header(
      'Content-Security-Policy',
      `${policy.replace(" 'wasm-unsafe-eval'", '')}; require-trusted-types-for 'script'; trusted-types lit-html`,
    )
    reply.header('Cache-Control', 'no-cache')
  })
  app.get('/ops', async (_, reply) => reply.redirect('/ops/'))
  await app.register(fastifyStatic, {
    root,
    prefix: '/ops/',
    cacheControl: false,
    dotfiles: 'ignore',
    decorateReply: false,
  })
}
