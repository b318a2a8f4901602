import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import type { Endpoint } from './create-endpoint.ts'

const site = 'https://www.example.com'
let fixture: EndpointFixture
let endpoint: Endpoint
beforeAll(async () => {
  fixture = await openEndpointFixture()
  endpoint = await fixture.open({
    appDir: fixture.appDir,
    allowOrigins: [site],
    connectTo: ['https://infer.example.com'],
    embedOn: ['https://shop.example.com'],
  })
})
afterAll(() => fixture.close())

const get = (url: string, headers = {}) => endpoint.app.inject({ url, headers })

describe('case 47: other origins', () => {
  const preflight = (origin: string) =>
    endpoint.app.inject({
      method: 'OPTIONS',
      url: '/v2/models/sum/infer',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    })

  it('may use it when they are listed', async () => {
    const { statusCode, headers } = await preflight(site)
    expect(statusCode).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': site,
      'access-control-max-age': '7200',
      vary: 'Origin',
    })
    expect(headers['access-control-allow-headers']).toMatch(
      /Authorization.*Content-Type.*Inference-Header-Content-Length/,
    )
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
  })

  it('may read the headers of an answer, of an error and of a file', async () => {
    for (const url of ['/v2', '/v2/models/none', '/models/catalog.json', '/models/sum/r1/model.onnx']) {
      const { headers } = await get(url, { origin: site })
      expect(headers).toMatchObject({
        'access-control-allow-origin': site,
        'timing-allow-origin': site,
        vary: 'Origin',
      })
      expect(headers['access-control-expose-headers']).toBe(
        'Inference-Header-Content-Length, Server-Timing, Retry-After',
      )
    }
  })

  it.each([
    'null',
    'http://www.example.com',
    'https://www.example.com.evil.test',
    'https://evil-www.example.com',
    'https://www.example.com:8443',
    'https://WWW.example.com',
    'https://example.com',
  ])('%s may not', async (origin) => {
    for (const { headers } of [await preflight(origin), await get('/v2', { origin })]) {
      expect(headers).not.toHaveProperty('access-control-allow-origin')
      expect(headers).not.toHaveProperty('timing-allow-origin')
      expect(headers.vary).toBe('Origin')
    }
  })
})

describe('files', () => {
  it.each([
    ['/', 'text/html; charset=utf-8', 'no-cache'],
    ['/assets/app-1.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['/assets/ort.mjs', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['/assets/ort.wasm', 'application/wasm', 'public, max-age=31536000, immutable'],
    ['/manifest.webmanifest', 'application/manifest+json', 'no-cache'],
  ])('serves the app: %s', async (url, type, cache) => {
    const { statusCode, headers } = await get(url)
    expect(statusCode).toBe(200)
    expect(headers).toMatchObject({ 'content-type': type, 'cache-control': cache })
    expect(headers).toMatchObject({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': url.startsWith('/assets/') ? 'cross-origin' : 'same-origin',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("connect-src 'self' https://infer.example.com;")
    expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'/)
    // A worker has its script's policy, and onnxruntime's threads break under Trusted Types.
    const isPage = type.startsWith('text/html')
    expect(policy.includes("require-trusted-types-for 'script'")).toBe(isPage)
    // A page of the host that embeds the widget has two copies of Lit.
    expect(policy.includes("trusted-types default lit-html 'allow-duplicates'")).toBe(isPage)
    expect(policy).toContain("frame-ancestors 'none'")
  })

  it('lets the widget’s frame be shown where the operator says so, and nothing else', async () => {
    const frame = await get('/widget-frame.html')
    expect(frame.statusCode).toBe(200)
    expect(frame.headers['content-security-policy']).toContain('frame-ancestors https://shop.example.com;')
    expect(frame.headers['cross-origin-resource-policy']).toBe('cross-origin')
    const script = await get('/widget.js', { origin: 'https://shop.example.com' })
    expect(script.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'no-cache',
    })
  })

  it('sends what was compressed before to whoever takes it', async () => {
    const { payload, headers } = await get('/assets/app-1.js', { 'accept-encoding': 'gzip, br' })
    expect(payload).toBe('br')
    expect(headers).toMatchObject({
      'content-encoding': 'br',
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
    })
    expect((await get('/assets/app-1.js')).payload).toBe('raw')
  })

  it('serves model files whole and in ranges, for ever the same', async () => {
    const url = '/models/sum/r1/model.onnx'
    const whole = await get(url)
    expect(whole.headers).toMatchObject({
      'accept-ranges': 'bytes',
      'cache-control': 'public, max-age=31536000, immutable, no-transform',
      'cross-origin-resource-policy': 'cross-origin',
    })
    const part = await get(url, { range: 'bytes=4-7', 'if-range': String(whole.headers.etag) })
    expect(part.statusCode).toBe(206)
    expect(part.rawPayload).toEqual(whole.rawPayload.subarray(4, 8))
    expect((await get(url, { range: 'bytes=999999-' })).statusCode).toBe(416)
  })

  it('serves manifests, and a catalogue where there is no file of it', async () => {
    const catalog = await get('/models/catalog.json')
    expect(catalog.headers['cache-control']).toBe('no-cache, no-transform')
    expect(catalog.json().models).toContainEqual({ name: 'sum', revision: 'r1', manifest: 'sum/r1/manifest.json' })
    const manifest = await get('/models/sum/r1/manifest.json')
    expect(manifest.headers['cache-control']).toBe('no-cache, no-transform')
    expect(manifest.json()).toMatchObject({ name: 'sum' })
  })

  it.each([
    '/models/sum/secret.txt',
    '/models/',
    '/models/sum/',
    '/models/..%2fapp%2findex.html',
    '/models/../app/index.html',
    '/models/%2e%2e/%2e%2e/etc/passwd',
    '/models/sum/r1/%00',
    '/.env',
    '/assets/nothing.js',
    '/..%2f..%2fetc/passwd',
  ])('does not serve %s', async (url) => {
    const response = await get(url)
    expect(response.statusCode).toBeGreaterThanOrEqual(400)
    expect(response.statusCode).toBeLessThan(500)
    expect(response.payload).not.toMatch(/secret|root:/)
    expect(response.headers['cache-control'] ?? '').not.toContain('immutable')
  })
})
