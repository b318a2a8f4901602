import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCloudArm } from '../../cloud/create-cloud-arm.ts'
import { type EndpointFixture, openEndpointFixture } from '../../testing/endpoint-fixture.ts'
import type { Endpoint } from '../create-endpoint.ts'
import type { EndpointPlugin } from '../plugin/endpoint-plugin.ts'

const secret = 'a secret of thirty-two bytes or so'
const audience = 'infer.example.com'
const ops: EndpointPlugin = {
  name: 'ops',
  register(app, { access }) {
    app.get('/ops/test', { onRequest: access.requires('ops') }, async () => ({ subject: 'seen' }))
    app.post('/ops/test', { onRequest: access.requires('ops') }, async ({ body }) => body)
  },
}

let fixture: EndpointFixture
let endpoint: Endpoint
beforeAll(async () => {
  fixture = await openEndpointFixture()
  endpoint = await fixture.open({ tokens: { secret, audience, singleUse: false }, plugins: [ops] })
})
afterAll(() => fixture.close())

const key = new TextEncoder().encode(secret)
const nowSeconds = () => Math.floor(Date.now() / 1000)
const sign = (claims: Record<string, unknown>, signKey = key) =>
  new SignJWT({ aud: audience, iat: nowSeconds(), exp: nowSeconds() + 60, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(signKey)

const row = (name: string) => ({ name, shape: [1, 2], datatype: 'FP32', data: [1, 2] })
const payload = JSON.stringify({ inputs: [row('a'), row('b')] })
const infer = (token: string | undefined, own = endpoint, model = 'sum') =>
  own.app.inject({
    method: 'POST',
    url: `/v2/models/${model}/infer`,
    payload,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  })

describe('access tokens', () => {
  it.each([
    ['for this model', { scope: 'infer:other infer:sum' }, 200],
    ['for all models', { scope: 'infer:*' }, 200],
    ['by a clock 20 s ahead', { scope: 'infer:sum', iat: nowSeconds() + 20, exp: nowSeconds() + 60 }, 200],
    ['for another model', { scope: 'infer:id' }, 403],
    ['for a model that this one only starts like', { scope: 'infer:su' }, 403],
    ['for everything, in a way we do not know', { scope: '*' }, 403],
    ['without a scope', {}, 403],
    ['whose scope is a list', { scope: ['infer:sum'] }, 403],
    ['expired', { scope: 'infer:sum', iat: nowSeconds() - 900, exp: nowSeconds() - 600 }, 401],
    ['of the future', { scope: 'infer:sum', iat: nowSeconds() + 600, exp: nowSeconds() + 900 }, 401],
    ['not valid yet', { scope: 'infer:sum', nbf: nowSeconds() + 600 }, 401],
    ['that lives for two hours', { scope: 'infer:sum', exp: nowSeconds() + 7200 }, 401],
    ['that never expires', { scope: 'infer:sum', exp: undefined }, 401],
    ['for another audience', { scope: 'infer:sum', aud: 'other.example.com' }, 401],
    ['for no audience', { scope: 'infer:sum', aud: undefined }, 401],
  ])('a token %s', async (_, claims, status) => {
    const response = await infer(await sign(claims))
    expect(response.statusCode).toBe(status)
    if (status === 401) expect(response.headers['www-authenticate']).toBe('Bearer')
    if (status !== 200) expect(response.json()).toEqual({ error: expect.any(String) })
  })

  it('takes a token by a clock 20 s behind', async () => {
    const claims = { scope: 'infer:sum', iat: nowSeconds() - 100, exp: nowSeconds() - 20 }
    expect((await infer(await sign(claims))).statusCode).toBe(200)
  })

  it('refuses no token, nonsense, another secret, and a token that asks not to be checked', async () => {
    const other = await sign({ scope: 'infer:sum' }, new TextEncoder().encode('another secret, also of 32 bytes'))
    const [, body] = (await sign({ scope: 'infer:sum' })).split('.')
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`
    for (const token of [undefined, 'nonsense', other, none, '']) {
      const { statusCode } = await infer(token)
      expect(statusCode).toBe(401)
    }
  })

  it('does not read a token from the address', async () => {
    const token = await sign({ scope: 'infer:sum' })
    const response = await endpoint.app.inject({ url: `/v2/models/sum?access_token=${token}` })
    expect(response.statusCode).toBe(401)
  })

  it('leaves health to everyone, and asks for a token for metadata and capacity', async () => {
    const status = async (url: string, headers = {}) => (await endpoint.app.inject({ url, headers })).statusCode
    const headers = { authorization: `Bearer ${await sign({ scope: 'infer:sum' })}` }
    expect(await status('/v2/health/live')).toBe(200)
    expect(await status('/v2')).toBe(200)
    expect(await status('/hither/v1/capacity')).toBe(401)
    expect(await status('/hither/v1/capacity', headers)).toBe(200)
    expect(await status('/v2/models/sum')).toBe(401)
    expect(await status('/v2/models/sum', headers)).toBe(200)
    expect(await status('/v2/models/id', headers)).toBe(403)
  })

  it('checks signatures by public key, and takes no token signed with that key as a secret', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(publicKey)
    const own = await fixture.open({ tokens: { keys: { keys: [{ ...jwk, kid: '1' }] }, audience } })
    const claims = { aud: audience, iat: nowSeconds(), exp: nowSeconds() + 60, scope: 'infer:sum' }
    const good = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: '1' }).sign(privateKey)
    expect((await infer(good, own)).statusCode).toBe(200)
    const confused = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: '1' })
      .sign(new TextEncoder().encode(JSON.stringify(jwk)))
    expect((await infer(confused, own)).statusCode).toBe(401)
  })

  it('case 52: a token that may be used once is refused the second time, and the arm asks once for another', async () => {
    const own = await fixture.open({ tokens: { secret, audience, singleUse: true } })
    const { port } = await own.listen({ port: 0, host: '127.0.0.1' })
    let asked = 0
    const fresh = () => sign({ scope: 'infer:sum', jti: String(asked) })
    let kept = await fresh()
    const token = async () => {
      asked += 1
      // The first request's token comes again with the second request, as a cache that knows no better would send it.
      if (asked !== 3) kept = await fresh()
      return kept
    }
    const cloud = createCloudArm({ url: `http://127.0.0.1:${port}`, token })
    const tensor = { type: 'float32', dims: [1, 2], data: new Float32Array([1, 2]) } as const
    await cloud.run('sum', { a: tensor, b: tensor })
    const before = asked
    await cloud.run('sum', { a: tensor, b: tensor })
    expect(asked).toBe(before + 2)
    expect((await infer(await sign({ scope: 'infer:sum' }), own)).statusCode).toBe(401)
  })

  it.each([{}, [], 1, true, null, ''])('takes no token once whose id is %j', async (jti) => {
    const own = await fixture.open({ tokens: { secret, audience, singleUse: true } })
    const token = await sign({ scope: 'infer:sum', jti })
    expect([(await infer(token, own)).statusCode, (await infer(token, own)).statusCode]).toEqual([401, 401])
  })

  it.each([{}, [], 1, null])('takes no token whose subject is %j', async (sub) => {
    expect((await infer(await sign({ scope: 'infer:sum', sub }))).statusCode).toBe(401)
  })

  it("counts rates by a token's subject, whichever of its tokens comes, and leaves others alone", async () => {
    const own = await fixture.open({ tokens: { secret, audience }, rateLimit: { perToken: 0.2 } })
    const status = async (sub: string) =>
      (await infer(await sign({ scope: 'infer:sum', sub, jti: crypto.randomUUID() }), own)).statusCode
    expect([await status('a'), await status('a'), await status('a')]).toEqual([200, 200, 429])
    expect(await status('b')).toBe(200)
  })

  it.each([
    { secret: 'short', audience },
    { audience },
    { secret, keys: { keys: [] }, audience },
    { secret, audience: '' },
  ])('does not start with %j', async (tokens) => {
    await expect(fixture.open({ tokens })).rejects.toMatchObject({ code: 'config-invalid' })
  })
})

describe('a plugin', () => {
  it('guards its routes with a scope of its own, and takes JSON only', async () => {
    const headers = { authorization: `Bearer ${await sign({ scope: 'ops' })}` }
    const status = async (given: Record<string, string>) =>
      (await endpoint.app.inject({ url: '/ops/test', headers: given })).statusCode
    expect(await status({})).toBe(401)
    expect(await status({ authorization: `Bearer ${await sign({ scope: 'infer:*' })}` })).toBe(403)
    expect(await status(headers)).toBe(200)
    const post = (type: string) =>
      endpoint.app.inject({
        method: 'POST',
        url: '/ops/test',
        payload: '{"a":1}',
        headers: { ...headers, 'content-type': type },
      })
    expect((await post('application/json')).json()).toEqual({ a: 1 })
    expect((await post('text/plain')).statusCode).toBe(415)
  })

  it('is closed to everyone at an endpoint that knows no tokens', async () => {
    const own = await fixture.open({ plugins: [ops] })
    expect((await own.app.inject({ url: '/ops/test' })).statusCode).toBe(403)
  })
})
