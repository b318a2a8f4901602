import { ConfigError } from '../../errors/config-error.ts'
import { baseAddress } from '../../utils/page-address.ts'

/**
 * An address that a site has set, as a whole one.
 *
 * @param name what the option is called
 * @throws {ConfigError} `config-invalid`: it is no address
 */
export function toUrl(address: string | URL, name: string): string {
  try {
    return new URL(address, baseAddress()).href
  } catch (cause) {
    throw new ConfigError('config-invalid', `${name} is no address: ${String(address)}.`, { cause })
  }
}
