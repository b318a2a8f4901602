import { isIP } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { ConfigError } from '../../errors/config-error.ts'
import { httpError } from './http-error.ts'

/**
 * Answers only requests that name one of the server's own hosts. A page of any site can point a name of its own at this
 * machine (DNS rebinding), and is then of one origin with whatever answers there.
 *
 * A server that listens on a loopback address has `localhost` and the names in `allowed`; any other one has every name,
 * unless some are allowed. IP addresses are always answered: nobody can point one elsewhere.
 *
 * @param allowed host names without a port; `*` for every name
 * @throws {ConfigError} `config-invalid`: one of them is no host name
 */
export function answerOwnHosts(app: FastifyInstance, allowed: readonly string[]): void {
  const names = new Set(allowed.map(parseHost))
  if (names.has('*')) return
  app.addHook('onRequest', async ({ headers: { host } }) => {
    // Only programs leave it out, by HTTP/1.0.
    if (host === undefined || (names.size === 0 && !listensOnLoopback(app))) return
    const name = toName(host)
    if (name !== undefined && (isLocalName(name) || isAddress(name) || names.has(name))) return
    throw httpError(
      421,
      `This endpoint is not ${host.slice(0, 100)}; --allow-host names the hosts that it answers for.`,
    )
  })
}

/** @throws {ConfigError} `config-invalid` */
export function parseHost(text: string): string {
  const name = text === '*' ? text : toName(text)
  if (name !== undefined && !/:\d+$/.test(text.replace(/^\[.*\]/, ''))) return name
  throw new ConfigError('config-invalid', `${text} is no host name; write one like infer.example.com, without a port.`)
}

/** A host as a browser writes it, without its port; undefined for what is none. */
function toName(host: string): string | undefined {
  if (!/^[^\s/?#@\\]+$/.test(host) || !URL.canParse(`http://${host}`)) return undefined
  return new URL(`http://${host}`).hostname.replace(/\.$/, '')
}

const isLocalName = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost')

const isAddress = (name: string): boolean => isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0

/** Before it listens, it is taken for one that does. */
function listensOnLoopback({ server }: FastifyInstance): boolean {
  const address = server.address()
  if (address === null) return true
  return typeof address === 'object' && /^(::ffff:)?127\.|^::1$/.test(address.address)
}
