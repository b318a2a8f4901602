import { isIP } from 'node:net'
import { ConfigError } from '../../errors/config-error.ts'

/**
 * Which proxies in front are believed when they say whose request it is: their number, or their networks. Each proxy
 * adds the address that it sees at the end of `X-Forwarded-For`, so the entries before the trusted ones are the
 * client's own words. `true` is one proxy.
 */
export type TrustProxy = boolean | number | string | readonly string[]

/** Names for networks that Fastify knows. */
const namedNetworks = ['loopback', 'linklocal', 'uniquelocal']

const mostHops = 32

/**
 * False, a number of proxies, or their networks. Never `true`, with which Fastify believes the first entry, that the
 * client itself may have written.
 *
 * @throws {ConfigError} `config-invalid`
 */
export function toTrustedProxies(given: TrustProxy): false | number | string[] {
  if (given === true) return 1
  if (given === false || given === 0 || given === '0') return false
  const list = (typeof given === 'object' ? [...given] : String(given).split(',')).map((text) => String(text).trim())
  const [first = ''] = list
  if (list.length === 1 && /^\d+$/.test(first)) {
    const hops = Number(first)
    if (hops >= 1 && hops <= mostHops) return hops
  }
  const wrong = list.find((text) => !isNetwork(text))
  if (wrong === undefined && list.length > 0) return list
  throw new ConfigError(
    'config-invalid',
    `Trusted proxies are their number, 1 to ${mostHops}, or networks like 10.0.0.0/8 or loopback, not ${wrong || 'nothing'}.`,
  )
}

/** What Fastify asks about each address, the nearest first. It takes no number: it can't see that a proxy is there. */
export function trustFunction(
  proxies: ReturnType<typeof toTrustedProxies>,
): false | string[] | ((address: string, index: number) => boolean) {
  return typeof proxies === 'number' ? (_, index) => index < proxies : proxies
}

/** All addresses are no network of proxies: any client would be believed. */
function isNetwork(text: string): boolean {
  if (namedNetworks.includes(text)) return true
  const [address = '', prefix, more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || more !== undefined) return false
  if (prefix === undefined) return true
  return /^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= (version === 4 ? 32 : 128)
}

/** A client's address without the port that some proxies write behind it, and IPv4 as IPv4. */
export function toClientAddress(text: string): string {
  const [, inner = text] = /^\[([\da-f:.]+)\](?::\d+)?$/i.exec(text) ?? /^([\d.]+):\d+$/.exec(text) ?? []
  return inner.replace(/^::ffff:(?=\d+\.)/i, '')
}
