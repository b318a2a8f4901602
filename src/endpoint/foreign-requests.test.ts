import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import { openFakeUpstream } from '../testing/fake-upstream.ts'
import { freePort } from '../testing/free-port.ts'
import { createEndpoint, type Endpoint } from './create-endpoint.ts'
import { openGateway } from './gateway/open-gateway.ts'
import type { EndpointPlugin } from './plugin/endpoint-plugin.ts'

let fixture: EndpointFixture
beforeAll(async () => {
  fixture = await openEndpointFixture()
})
afterAll(() => fixture.close())

const site = 'https://www.example.com'

/** The status of a request that is for this host, as its header says. */
const ask = (at: number, host: string, path = '/v2', method = 'GET') =>
  new Promise<number>((resolve, reject) => {
    request({ host: '127.0.0.1', port: at, path, method, headers: { Host: host } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })

const changes: EndpointPlugin = {
  name: 'changes',
  register(app) {
    app.post('/change', async () => ({ changed: true }))
    app.delete('/change', async () => ({ changed: true }))
  },
}

describe('a page of a foreign origin', () => {
  let endpoint: Endpoint
  beforeAll(async () => {
    endpoint = await fixture.open({ openRepository: true, allowOrigins: [site], plugins: [changes] })
  })
  const unload = (headers: Record<string, string>, url = '/v2/repository/models/sum/unload') =>
    endpoint.app.inject({ method: 'POST', url, headers })
  const ready = async () => (await endpoint.app.inject({ url: '/v2/models/sum/ready' })).statusCode

  it.each([
    ['that the browser names', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['whose form is sent without an origin', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['of a neighbour', { origin: 'https://evil.localhost', 'sec-fetch-site': 'same-site' }],
    ['of an old browser', { origin: 'https://evil.example' }],
    ['of a sandboxed frame', { origin: 'null' }],
    ['of another port', { origin: 'http://localhost:81', host: 'localhost:80' }],
    ['with a type that needs no leave', { origin: 'https://evil.example', 'content-type': 'text/plain' }],
  ])('%s unloads no model, and reaches no plugin', async (_, headers) => {
    expect((await unload(headers)).statusCode).toBe(403)
    expect((await unload(headers, '/change')).statusCode).toBe(403)
    expect(await ready()).toBe(200)
  })

  it.each([
    ['a program', {}],
    ['a page of an allowed origin', { origin: site, 'sec-fetch-site': 'cross-site' }],
    ["the endpoint's own page", { origin: 'https://own.example', 'sec-fetch-site': 'same-origin' }],
    ['its own page in an old browser', { origin: 'http://localhost:8420', host: 'localhost:8420' }],
    [
      'its own page behind a proxy that changes the host',
      { origin: 'https://own.example', 'x-forwarded-host': 'own.example' },
    ],
  ])('is not %s, which may', async (_, headers) => {
    expect((await unload(headers, '/change')).json()).toEqual({ changed: true })
  })

  it('may still be answered what changes nothing, and probe the link', async () => {
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    expect((await endpoint.app.inject({ url: '/v2', headers })).statusCode).toBe(200)
    const probe = { ...headers, 'content-type': 'text/plain' }
    expect(
      (await endpoint.app.inject({ method: 'POST', url: '/hither/v1/probe', headers: probe, payload: 'x' })).statusCode,
    ).toBe(204)
  })
})

describe('a name that points at this machine', () => {
  let port: number
  beforeAll(async () => {
    const endpoint = await fixture.open({ appDir: fixture.appDir, openRepository: true })
    port = (await endpoint.listen({ port: 0, host: '127.0.0.1' })).port
  })

  it.each([
    ['evil.example', 421],
    ['evil.example:8420', 421],
    ['localhost.evil.example', 421],
    ['127.0.0.1.evil.example', 421],
    ['evil.example@localhost', 421],
    ['localhost', 200],
    ['LocalHost:8420', 200],
    ['app.localhost:8420', 200],
    ['localhost.', 200],
    ['127.0.0.1:8420', 200],
    ['[::1]:8420', 200],
  ])('on a loopback address, requests for %s get %i', async (host, status) => {
    expect(await ask(port, host)).toBe(status)
  })

  it.each([
    ['/', 'GET'],
    ['/models/catalog.json', 'GET'],
    ['/nothing/here', 'GET'],
    ['/metrics', 'GET'],
    ['/v2/repository/models/sum/unload', 'POST'],
    ['/hither/v1/probe', 'POST'],
  ])('is answered nothing at %s', async (path, method) => {
    expect(await ask(port, 'evil.example', path, method)).toBe(421)
    expect(await ask(port, 'localhost', path, method)).not.toBe(421)
  })

  it('is answered when it is allowed, and no other one is', async () => {
    const own = await fixture.open({ allowHosts: ['Infer.Example.com'] })
    const { port: at } = await own.listen({ port: 0, host: '127.0.0.1' })
    expect(await ask(at, 'infer.example.com')).toBe(200)
    expect(await ask(at, 'localhost')).toBe(200)
    expect(await ask(at, 'www.infer.example.com')).toBe(421)
    const all = await fixture.open({ allowHosts: ['*'] })
    expect(await ask((await all.listen({ port: 0, host: '127.0.0.1' })).port, 'evil.example')).toBe(200)
  })

  it('on every address, each name is answered unless some are allowed', async () => {
    const open = await fixture.open()
    expect(await ask((await open.listen({ port: 0, host: '0.0.0.0' })).port, 'hither.default.svc')).toBe(200)
    const named = await fixture.open({ allowHosts: ['infer.example.com'] })
    const { port: at } = await named.listen({ port: 0, host: '0.0.0.0' })
    expect([await ask(at, 'infer.example.com'), await ask(at, 'evil.example')]).toEqual([200, 421])
  })

  it('is no host name: the endpoint does not start', async () => {
    for (const host of ['https://a.example', 'a.example:80', 'a b', '', 'a/b']) {
      await expect(fixture.open({ allowHosts: [host] })).rejects.toMatchObject({ code: 'config-invalid' })
    }
  })
})

describe('a client behind proxies', () => {
  /** The addresses that the rate took for one client: of so many requests, those that were still answered. */
  const answered = async (endpoint: Endpoint, chains: readonly string[]) => {
    const statuses: number[] = []
    for (const chain of chains) {
      const headers = { 'x-forwarded-for': chain }
      statuses.push((await endpoint.app.inject({ url: '/v2/models/sum', headers })).statusCode)
    }
    return statuses.filter((status) => status === 200).length
  }
  const forged = Array.from({ length: 15 }, (_, index) => `1.2.3.${index}, 10.9.9.9`)
  const rateLimit = { perAddress: 1 }

  it.each([
    ['one, by the older word for it', true],
    ['one', 1],
    ['one by its network', '127.0.0.0/8'],
    ['one of several networks', ['192.168.0.0/16', 'loopback']],
  ])('%s: what the client itself wrote before is not believed', async (_, trustProxy) => {
    const own = await fixture.open({ rateLimit, trustProxy })
    expect(await answered(own, forged)).toBe(10)
    expect(await answered(own, ['10.9.9.8', 'unknown, 10.9.9.7', '10.9.9.6:1234'])).toBe(3)
    // A port behind the address makes no other client.
    const ports = Array.from({ length: 15 }, (_, index) => `10.9.9.5:${1000 + index}`)
    expect(await answered(own, ports)).toBe(10)
  })

  it('two: the entry that the outer one added counts', async () => {
    const chains = Array.from({ length: 15 }, (_, index) => `1.2.3.${index}, 203.0.113.9, 10.0.0.${index}`)
    expect(await answered(await fixture.open({ rateLimit, trustProxy: 2 }), chains)).toBe(10)
    const networks = ['127.0.0.1', '10.0.0.0/8']
    expect(await answered(await fixture.open({ rateLimit, trustProxy: networks }), chains)).toBe(10)
  })

  it('none: nothing is believed, and a connection from elsewhere neither', async () => {
    for (const trustProxy of [false, 0, '10.0.0.0/8'] as const) {
      expect(await answered(await fixture.open({ rateLimit, trustProxy }), forged)).toBe(10)
    }
  })

  it.each(['everyone', '0.0.0.0/0', '::/0', '10.0.0.0/33', -1, 1.5, 33, '', [], ['10.0.0.1', '']])(
    'does not start with %j',
    async (trustProxy) => {
      await expect(fixture.open({ trustProxy })).rejects.toMatchObject({ code: 'config-invalid' })
    },
  )
})

it('a gateway guards its routes alike', async () => {
  const upstream = await openFakeUpstream()
  const gateway = await openGateway({ upstreams: [upstream.url] })
  const endpoint = await createEndpoint({ ...gateway, logger: false, openRepository: true })
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  const init = { method: 'POST', headers: { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' } }
  expect((await fetch(`http://127.0.0.1:${port}/v2/repository/models/copy/unload`, init)).status).toBe(403)
  const rebound = await endpoint.app.inject({ url: '/v2', headers: { host: 'evil.example' } })
  expect(rebound.statusCode).toBe(421)
  expect(rebound.json().error).toContain('--allow-host')
  await endpoint.close()
  await upstream.stop()
})

it('the port for metrics alone answers for the same hosts', async () => {
  const metricsPort = await freePort()
  const own = await fixture.open({ metricsPort })
  await own.listen({ port: 0, host: '127.0.0.1' })
  expect(await ask(metricsPort, 'localhost', '/metrics')).toBe(200)
  expect(await ask(metricsPort, 'evil.example', '/metrics')).toBe(421)
})
