import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noticesPath } from '../../contracts/notice.ts'
import { reportsPath } from '../../contracts/report.ts'
import { openFakeUpstream } from '../../testing/fake-upstream.ts'
import { watched } from '../../testing/longest-turn.ts'
import { createEndpoint, type Endpoint } from '../create-endpoint.ts'
import { openGateway } from '../gateway/open-gateway.ts'
import type { EndpointOptions } from '../plugin/endpoint-options.ts'
import { openReports } from './open-reports.ts'

const secret = 'a secret of thirty-two bytes or more'
const tokens = { secret, audience: 'me' }
const token = async (scope: string) =>
  `Bearer ${await new SignJWT({ scope })
    .setProtectedHeader({ alg: 'HS256' })
    .setAudience('me')
    .setSubject('a')
    .setIssuedAt()
    .setExpirationTime('60s')
    .setJti(crypto.randomUUID())
    .sign(new TextEncoder().encode(secret))}`

const report = (extra: object = {}) => ({
  kind: 'route',
  id: crypto.randomUUID(),
  atMs: Date.now(),
  model: 'digits',
  ran: 'edge',
  reason: 'edge-faster',
  actualMs: 3,
  ...extra,
})
const batchOf = (...reports: unknown[]) => ({ version: 1, device: crypto.randomUUID(), sentAtMs: Date.now(), reports })

// At a gateway: what devices know is the front, and no server behind it has an intake.
describe('the intake', () => {
  let dir: string
  let upstream: Awaited<ReturnType<typeof openFakeUpstream>>
  const endpoints: Endpoint[] = []
  const lines: string[] = []
  const open = async (options: Partial<EndpointOptions> = {}) => {
    const { plugins = [], engine } = await openGateway({ upstreams: [upstream.url] })
    const endpoint = await createEndpoint({
      engine,
      logger: { level: 'trace', stream: { write: (line: string) => lines.push(line) } },
      plugins: [...plugins, await openReports({ dataDir: join(dir, String(endpoints.length)) })],
      ...options,
    })
    endpoints.push(endpoint)
    return endpoint.app
  }
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'hither-intake-'))
    upstream = await openFakeUpstream()
  })
  afterAll(async () => {
    for (const endpoint of endpoints) await endpoint.close()
    await upstream.stop()
    await rm(dir, { recursive: true })
  })
  const post = (app: Endpoint['app'], payload: unknown, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: reportsPath, payload: payload as object, headers })

  it('takes a batch, plain and packed, and says what became of each report', async () => {
    const app = await open()
    const batch = batchOf(report(), report({ actualMs: -1 }))
    const [good, bad] = batch.reports as { id: string }[]
    const first = await post(app, batch)
    expect(first.json()).toMatchObject({ accepted: [good?.id], duplicates: [], rejected: [{ id: bad?.id }] })
    expect(first.headers['cache-control']).toBe('no-store')
    const packed = gzipSync(JSON.stringify(batch))
    const again = await post(app, packed, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
    expect(again.json()).toMatchObject({ accepted: [], duplicates: [good?.id] })
  })

  it.each([
    [400, 'no JSON', '{', {}],
    [400, 'no batch', '{"version":2}', {}],
    [413, 'too much', JSON.stringify(batchOf('x'.repeat(1_100_000))), {}],
    [413, 'a bomb', gzipSync(Buffer.alloc(3_000_000, ' ')), { 'content-encoding': 'gzip' }],
    [415, 'text, which any page may send', '{}', { 'content-type': 'text/plain' }],
  ])('answers %i to %s', async (status, _, payload, headers) => {
    const app = endpoints[0]?.app ?? (await open())
    const answer = await post(app, payload, { 'content-type': 'application/json', ...headers })
    expect(answer.statusCode).toBe(status)
    expect(answer.json().error).toMatch(/\.$/)
  })

  it('asks for the same tokens as the rest, and lets those with the scope alone tell devices something', async () => {
    const app = await open({ tokens })
    expect((await post(app, batchOf())).statusCode).toBe(401)
    const device = { authorization: await token('infer:digits') }
    const operator = { authorization: await token('ops') }
    expect((await post(app, batchOf(report()), device)).json().accepted).toHaveLength(1)
    const notice = { body: { kind: 'model-withdrawn', model: 'digits', revision: '1', why: 'It was wrong.' } }
    const add = (headers: Record<string, string>, payload: object = notice) =>
      app.inject({ method: 'POST', url: noticesPath, payload, headers })
    expect((await add(device)).statusCode).toBe(403)
    const { id } = (await add(operator)).json<{ id: string }>()
    expect((await add(operator, { ...notice, untilMs: Date.now() - 1 })).statusCode).toBe(201)
    // As Python writes what is absent.
    const told = await add(operator, {
      body: { kind: 'model-withdrawn', model: 'x', revision: null, why: null },
      untilMs: null,
    })
    expect([told.statusCode, told.json().body]).toEqual([201, { kind: 'model-withdrawn', model: 'x' }])
    const gone = { method: 'DELETE', url: `${noticesPath}/${told.json().id}`, headers: operator } as const
    expect((await app.inject(gone)).statusCode).toBe(204)
    expect((await add(operator, { body: { kind: 'model-withdrawn' } })).statusCode).toBe(400)
    const read = (headers: Record<string, string>) => app.inject({ url: noticesPath, headers })
    expect((await read({})).statusCode).toBe(401)
    // What is over is not told.
    expect((await read(device)).json().notices).toMatchObject([{ id, ...notice }])
    const remove = (headers: Record<string, string>) =>
      app.inject({ method: 'DELETE', url: `${noticesPath}/${id}`, headers })
    expect((await remove(device)).statusCode).toBe(403)
    expect((await remove(operator)).statusCode).toBe(204)
    expect((await remove(operator)).statusCode).toBe(404)
    expect((await read(device)).json()).toEqual({ notices: [] })
  })

  it.each([
    ['many objects', `{"a":[${'{},'.repeat(300_000)}{}]}`, 413],
    ['much nesting', `${'{"a":'.repeat(10_000)}0${'}'.repeat(10_000)}`, 400],
    ['many keys', `{${'"":0,'.repeat(12_000)}"":0}`, 400],
  ])('refuses a notice with %s, and holds nobody up', async (_, payload, status) => {
    const app = await open({ tokens })
    const headers = { authorization: await token('ops'), 'content-type': 'application/json' }
    await app.inject({ method: 'POST', url: noticesPath, payload: '{}', headers })
    headers.authorization = await token('ops')
    const answer = await watched(() => app.inject({ method: 'POST', url: noticesPath, payload, headers }))
    expect([answer.statusCode, answer.json().error]).toEqual([status, expect.stringMatching(/\.$/)])
  })

  it('lets nobody tell devices something where no tokens are known', async () => {
    const app = endpoints[0]?.app ?? (await open())
    const payload = { body: { kind: 'message', text: 'hello' } }
    expect((await app.inject({ method: 'POST', url: noticesPath, payload })).statusCode).toBe(403)
  })

  it('refuses what comes faster than one client may send', async () => {
    const app = await open({ rateLimit: { perAddress: 0.1 } })
    expect((await post(app, batchOf())).statusCode).toBe(200)
    const answer = await post(app, batchOf())
    expect([answer.statusCode, Number(answer.headers['retry-after']) > 0]).toEqual([429, true])
  })

  it('tells pages of other origins that it takes no reports, where it has no database', async () => {
    const origin = 'https://www.example.com'
    const app = await open({ plugins: [], allowOrigins: [origin] })
    const answer = await post(app, batchOf(), { origin })
    expect([answer.statusCode, answer.headers['access-control-allow-origin']]).toEqual([404, origin])
    const headers = { origin, 'access-control-request-method': 'POST' }
    expect((await app.inject({ method: 'OPTIONS', url: reportsPath, headers })).statusCode).toBe(204)
  })

  it('has an empty list of notices where it has no database, for whoever may ask', async () => {
    const origin = 'https://www.example.com'
    const app = await open({ plugins: [], allowOrigins: [origin], tokens })
    expect((await app.inject({ url: noticesPath })).statusCode).toBe(401)
    const answer = await app.inject({
      url: noticesPath,
      headers: { origin, authorization: await token('infer:digits') },
    })
    expect([answer.statusCode, answer.json()]).toEqual([200, { notices: [] }])
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': origin, 'cache-control': 'no-store' })
    const add = {
      method: 'POST',
      url: noticesPath,
      payload: {},
      headers: { authorization: await token('ops') },
    } as const
    expect((await app.inject(add)).statusCode).toBe(404)
  })

  it('keeps no answer unless one was sent, and logs none', async () => {
    const app = await open()
    const at = String(endpoints.length - 1)
    await post(app, batchOf(report(), report({ input: 'secret input' }), report({ model: { answer: 'secret input' } })))
    await post(app, batchOf(report({ answer: '"opted in"' })))
    const files = await readdir(join(dir, at))
    const kept = Buffer.concat(await Promise.all(files.map((file) => readFile(join(dir, at, file)))))
    expect(kept.includes('edge-faster')).toBe(true)
    expect(kept.includes('opted in')).toBe(true)
    expect(kept.includes('secret input')).toBe(false)
    expect(lines.join()).not.toMatch(/secret input|opted in/)
  })
})
