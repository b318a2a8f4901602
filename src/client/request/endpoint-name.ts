import type { EndpointOptions } from '../types/client-options.ts'

/** What an endpoint is called in routes and in storage: its address, without a slash at the end. */
export const endpointName = ({ url }: Pick<EndpointOptions, 'url'>): string =>
  new URL(url, globalThis.location?.href).href.replace(/\/+$/, '')
