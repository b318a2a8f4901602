import { fileURLToPath } from 'node:url'
import { createEndpoint, type EndpointPlugin } from 'hither-endpoint'
import { freePort } from '../../src/testing/free-port.ts'
import { type LinkShape, openShapingProxy } from './shaping-proxy.ts'

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

export const goodLink: LinkShape = { roundTripMs: 40, bitsPerSecond: 50e6 }

/** The built product: the page on one origin, its endpoint on another behind a link of the given shape. */
export async function openSite(
  options: {
    readonly link?: LinkShape
    readonly appDir?: string
    readonly modelsDir?: string
    readonly connectTo?: readonly string[]
    /** Opens another link to the endpoint's port. Default: one of the given shape. */
    readonly openLink?: (endpointPort: number) => Promise<{ readonly origin: string; close(): Promise<void> }>
    /** Of the endpoint. */
    readonly plugins?: readonly EndpointPlugin[]
    readonly embedOn?: readonly string[]
  } = {},
) {
  const {
    link = goodLink,
    appDir = root('dist-app'),
    modelsDir = root('packages/hither-models/models'),
    connectTo = [],
    embedOn = [],
  } = options
  const endpointPort = await freePort()
  const { openLink = (port: number) => openShapingProxy(port, link) } = options
  const proxy = await openLink(endpointPort)
  const page = await createEndpoint({
    modelsDir,
    appDir,
    workers: 1,
    embedOn,
    connectTo: [proxy.origin, 'http://localhost:9', ...connectTo],
  })
  const { port } = await page.listen({ port: 0, host: '127.0.0.1' })
  const origin = `http://localhost:${port}`
  const endpoint = await createEndpoint({
    modelsDir,
    workers: 1,
    allowOrigins: [origin],
    plugins: options.plugins ?? [],
  })
  await endpoint.listen({ port: endpointPort, host: '127.0.0.1' })
  return {
    origin,
    endpointOrigin: proxy.origin,
    /** Address of the page that uses the endpoint behind the link. */
    url: (query = '') => `${origin}/?endpoint=${encodeURIComponent(proxy.origin)}${query && `&${query}`}`,
    stopEndpoint: () => proxy.close(),
    async close() {
      await proxy.close()
      await Promise.all([page.close(), endpoint.close()])
    },
  }
}

export type Site = Awaited<ReturnType<typeof openSite>>
