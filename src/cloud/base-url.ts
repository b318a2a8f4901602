import { ConfigError } from '../errors/config-error.ts'

/**
 * An endpoint's base address without a slash at its end, so that `/v2/…` can follow. An address without a host is one
 * of the page's own origin.
 *
 * @throws {ConfigError} `config-invalid` for an address of another kind, or one with a name and password, a query or a fragment
 */
export function toBaseUrl(url: string | URL): string {
  const text = String(url)
  const refuse = (why: string) => new ConfigError('config-invalid', `The endpoint's address can't be used: ${why}.`)
  if (/[?#]/.test(text)) throw refuse('it has a query or a fragment')
  const hasScheme = /^[a-z][a-z0-9+.-]*:/i.test(text)
  if (hasScheme) {
    if (!URL.canParse(text)) throw refuse('it is no valid URL')
    const { protocol, username, password } = new URL(text)
    if (protocol !== 'https:' && protocol !== 'http:') throw refuse('it must start with https:// or http://')
    if (username !== '' || password !== '')
      throw refuse('a name and password do not belong there; give a token instead')
  } else if (text !== '' && !text.startsWith('/')) {
    throw refuse('it must start with https://, http:// or /')
  }
  return withoutEndSlashes(text)
}

/** What routes, records and notices call an endpoint: its absolute address, without a slash at its end. */
export const endpointName = (url: string | URL): string => withoutEndSlashes(new URL(url).href)

const withoutEndSlashes = (url: string) => url.replace(/\/+$/, '')
