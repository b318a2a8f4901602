import { endpointName } from '../../cloud/base-url.ts'
import { baseAddress } from '../../utils/page-address.ts'
import type { EndpointOptions } from '../types/client-options.ts'

/** Are requests to it to be sealed? */
export const isSealed = ({ sealed = false }: Pick<EndpointOptions, 'sealed'>): boolean => sealed !== false

/**
 * Where an endpoint is named twice, and one of the two is to be sealed, so is the other: what is learned and routed goes by
 * the name alone, and nothing that is meant to be sealed may leave in the open.
 *
 * @param serverOf what two names of one server have in common. Default: the whole address
 */
export function sealAlike(
  endpoints: readonly EndpointOptions[],
  serverOf: (name: string) => string = (name) => name,
): readonly EndpointOptions[] {
  const keyOf = ({ url }: EndpointOptions) => serverOf(endpointName(new URL(url, baseAddress())))
  const seals = new Map(endpoints.filter(isSealed).map((endpoint) => [keyOf(endpoint), endpoint.sealed]))
  if (seals.size === 0) return endpoints
  return endpoints.map((endpoint) => {
    const sealed = seals.get(keyOf(endpoint))
    return sealed === undefined || isSealed(endpoint) ? endpoint : { ...endpoint, sealed }
  })
}
