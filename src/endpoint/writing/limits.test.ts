import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { tinyWriter } from '../../testing/tiny-writer.ts'
import { openWritingFixture, type WritingFixture } from '../../testing/writing-fixture.ts'
import type { Endpoint } from '../create-endpoint.ts'

const secret = 'a secret of thirty-two bytes or so'
const audience = 'infer.example.com'

let fixture: WritingFixture
beforeAll(async () => {
  fixture = await openWritingFixture([await tinyWriter()])
})
afterAll(() => fixture.close())

const sign = (sub: string, scope = 'infer:tiny-writer') =>
  new SignJWT({ aud: audience, sub, scope, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(new TextEncoder().encode(secret))

/** A request for text with a token of this subject. */
async function ask(at: Endpoint, path: string, body: object, ...of: Parameters<typeof sign>) {
  return at.app.inject({
    method: 'POST',
    url: `/v1/${path}`,
    payload: JSON.stringify({ model: 'tiny-writer', temperature: 0, max_tokens: 12, ...body }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await sign(...of)}` },
  })
}
const chat = { messages: [{ role: 'user', content: 'hi' }] }
const stream = { ...chat, stream: true }

it('chats beyond the rate of a token are 429 in the form of that API, with the time to wait; a stream is one request', async () => {
  // Three in ten seconds.
  const endpoint = await fixture.open({ tokens: { secret, audience }, rateLimit: { perToken: 0.3 } })
  const streamed = await ask(endpoint, 'chat/completions', stream, 'a')
  expect(streamed.statusCode).toBe(200)
  // However many events it has.
  expect(streamed.payload.match(/^data: \{/gm)?.length).toBeGreaterThan(5)
  expect((await ask(endpoint, 'chat/completions', stream, 'a')).statusCode).toBe(200)
  expect((await ask(endpoint, 'completions', { prompt: 'hello' }, 'a')).statusCode).toBe(200)

  for (const [path, body] of [
    ['chat/completions', chat],
    ['chat/completions', stream],
    ['completions', { prompt: 'hello', stream: true }],
  ] as const) {
    const refused = await ask(endpoint, path, body, 'a')
    expect(refused.statusCode).toBe(429)
    expect(refused.headers['content-type']).toMatch(/^application\/json/)
    expect(refused.json()).toEqual({
      error: {
        message: expect.stringContaining('slow down'),
        type: 'invalid_request_error',
        param: null,
        code: 'cloud-overloaded',
      },
    })
    const seconds = Number(refused.headers['retry-after'])
    expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 10).toBe(true)
  }
  // Another subject is another client; and what is asked about models counts, too.
  expect((await ask(endpoint, 'chat/completions', chat, 'b')).statusCode).toBe(200)
  const models = { url: '/v1/models', headers: { authorization: `Bearer ${await sign('a')}` } }
  expect((await endpoint.app.inject(models)).statusCode).toBe(429)
  const metrics = async () => {
    const headers = { authorization: `Bearer ${await sign('m', 'metrics')}` }
    return (await endpoint.app.inject({ url: '/metrics', headers })).payload
  }
  await expect.poll(metrics).toMatch(/hither_refusals_total\{model="",reason="rate"\} 4/)
  // Nothing of what was refused was written.
  expect(await metrics()).toContain('hither_text_answers_total{model="tiny-writer",end="length"} 4')
})

it('a token for another model writes nothing, streamed or not, in the form of that API', async () => {
  const endpoint = await fixture.open({ tokens: { secret, audience } })
  for (const body of [chat, stream]) {
    const refused = await ask(endpoint, 'chat/completions', body, 'a', 'infer:other infer:tiny')
    expect([refused.statusCode, refused.json().error.type]).toEqual([403, 'invalid_request_error'])
  }
  expect((await ask(endpoint, 'chat/completions', chat, 'a', 'infer:*')).statusCode).toBe(200)
})
