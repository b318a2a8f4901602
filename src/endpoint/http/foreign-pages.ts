import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { httpError } from './http-error.ts'

/** Methods that change nothing. */
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Types that a page of any origin may send without asking first; so it may a request without a body. */
const simpleTypes = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']

/**
 * Refuses what a page of a foreign origin may send without asking first: the page can't read the answer, but the request
 * would have its effect. Requests of other types are asked for, and the browser keeps to the answer.
 */
export function refuseForeignPages(app: FastifyInstance, allowed: readonly string[]): void {
  app.addHook('onRequest', async ({ method, headers }) => {
    if (safe.has(method) || !isSimple(headers) || !isForeign(headers, allowed)) return
    throw httpError(403, 'Pages of this origin may not use this endpoint; --allow-origin names those that may.')
  })
}

function isSimple({ 'content-type': type }: IncomingHttpHeaders): boolean {
  const name = type?.split(';')[0]?.trim().toLowerCase() ?? ''
  return name === '' || simpleTypes.includes(name)
}

/** What the browser says of itself comes first: a proxy may have changed the host. Programs send neither header. */
function isForeign(headers: IncomingHttpHeaders, allowed: readonly string[]): boolean {
  const { origin, host, 'sec-fetch-site': site, 'x-forwarded-host': forwarded } = headers
  if (origin !== undefined && allowed.includes(origin)) return false
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  if (origin === undefined) return false
  // No page can send X-Forwarded-Host without asking first.
  const own = [host, ...String(forwarded ?? '').split(',')].map((name) => name?.trim().toLowerCase())
  return !(URL.canParse(origin) && own.includes(new URL(origin).host))
}
