import { setImmediate } from 'node:timers/promises'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { tinyWriter } from '../../testing/tiny-writer.ts'
import { until } from '../../testing/until.ts'
import { openWritingFixture, type WritingFixture } from '../../testing/writing-fixture.ts'
import type { Endpoint } from '../create-endpoint.ts'

let fixture: WritingFixture
const secret = 'a secret of thirty-two bytes or more'
beforeAll(async () => {
  fixture = await openWritingFixture([await tinyWriter()])
})
afterAll(() => fixture.close())

async function open(options: Parameters<WritingFixture['open']>[0] = {}) {
  const endpoint = await fixture.open(options)
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  return { endpoint, url: `http://127.0.0.1:${port}` }
}
const ask = (url: string, body: object, init: RequestInit = {}) =>
  fetch(`${url}/v1/completions`, {
    method: 'POST',
    body: JSON.stringify({
      model: 'tiny-writer',
      prompt: 'hello',
      temperature: 0,
      max_tokens: 60,
      stream: true,
      ...body,
    }),
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
  })
const textOf = (payload: string) =>
  [...payload.matchAll(/^data: (\{.*)$/gm)]
    .map(([, json = '']) => JSON.parse(json))
    .map(({ choices }) => choices?.[0]?.text ?? '')
    .join('')
/** Reads a stream's first events: at least so many. */
async function readSome(response: Response, events: number) {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  while (text.split('\n\n').length <= events) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`it has ended: ${text}`)
    text += new TextDecoder().decode(value)
  }
  return text.slice(0, text.lastIndexOf('\n\n') + 2)
}
const metricsOf = async ({ app }: Endpoint) => (await app.inject({ url: '/metrics' })).payload
const whole = async (url: string) => textOf(await (await ask(url, {})).text())

it('a client that leaves ends its run within one step (case 66)', async () => {
  const { endpoint, url } = await open()
  const controller = new AbortController()
  const response = await ask(url, { max_tokens: 200 }, { signal: controller.signal })
  await readSome(response, 3)
  await fixture.hold()
  // The thread stands in a run, or waits to be held in its next one.
  let runs = -1
  await until(async () => {
    const before = runs
    runs = await fixture.runs()
    await new Promise((resolve) => setTimeout(resolve, 50))
    return before === runs && (await fixture.runs()) === runs
  })
  controller.abort()
  const connections = () =>
    new Promise<number>((resolve) => endpoint.app.server.getConnections((_, count) => resolve(count)))
  await until(async () => (await connections()) === 0)
  for (let turn = 0; turn < 10; turn += 1) await setImmediate()
  await fixture.letGo()
  await until(async () => (await metricsOf(endpoint)).includes('end="aborted"} 1'))
  expect(await fixture.runs()).toBe(runs)
})

it('a reader who comes back gets what it has missed, and what is still to come', async () => {
  const { url } = await open()
  const expected = await whole(url)
  const controller = new AbortController()
  const response = await ask(url, { hither_resumable: true }, { signal: controller.signal })
  const first = await readSome(response, 4)
  const id = /"id":"([^"]+)"/.exec(first)?.[1]
  const last = [...first.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? ''
  controller.abort()
  const again = await fetch(`${url}/v1/streams/${id}`, { headers: { 'last-event-id': last } })
  expect(again.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const rest = await again.text()
  expect(rest).toMatch(new RegExp(`^id: ${Number(last) + 1}\n`))
  expect(rest).toMatch(/data: \[DONE\]\n\n$/)
  expect(textOf(first) + textOf(rest)).toBe(expected)
  // It is kept for a while, also for who has nothing of it.
  expect(textOf(await (await fetch(`${url}/v1/streams/${id}`)).text())).toBe(expected)
  expect((await fetch(`${url}/v1/streams/${id}`, { headers: { 'last-event-id': 'x' } })).status).toBe(400)
  expect((await fetch(`${url}/v1/streams/cmpl-0`)).status).toBe(404)
})

it('a stream is given to whose it is, and to nobody else', async () => {
  const { url } = await open({ tokens: { secret, audience: 'here' } })
  const tokenOf = async (subject: string, scope: string) => {
    const token = new SignJWT({ scope }).setProtectedHeader({ alg: 'HS256' }).setAudience('here').setSubject(subject)
    return `Bearer ${await token.setIssuedAt().setExpirationTime('10m').sign(new TextEncoder().encode(secret))}`
  }
  const authorization = await tokenOf('ann', 'infer:tiny-writer')
  const text = await (await ask(url, {}, { headers: { authorization } })).text()
  const id = /"id":"([^"]+)"/.exec(text)?.[1]
  const status = async (authorization: string | undefined) =>
    (await fetch(`${url}/v1/streams/${id}`, { headers: authorization === undefined ? {} : { authorization } })).status
  expect(await status(authorization)).toBe(200)
  expect(await status(undefined)).toBe(401)
  expect(await status(await tokenOf('bob', 'infer:tiny-writer'))).toBe(404)
  expect(await status(await tokenOf('ann', 'infer:other'))).toBe(404)
  expect((await ask(url, {}, { headers: { authorization: await tokenOf('ann', 'infer:other') } })).status).toBe(403)
})

it('a thread that dies fails its answers with a typed error, and the next request gets another thread', async () => {
  const { endpoint, url } = await open()
  const expected = await whole(url)
  const streamed = await ask(url, { max_tokens: 200 })
  const begun = readAll(streamed)
  await fixture.die(true)
  const text = await begun
  // It was at its end before the thread died, or says what happened.
  if (!text.includes('[DONE]')) expect(text).toMatch(/data: \{"error":\{.*"code":"cloud-failed"\}\}\n\n$/)
  const failed = await ask(url, { stream: false })
  expect([failed.status, (await failed.json()).error]).toMatchObject([
    500,
    { type: 'server_error', code: 'cloud-failed' },
  ])
  await fixture.die(false)
  expect(await whole(url)).toBe(expected)
  expect(await metricsOf(endpoint)).toContain('end="failed"')
})

const readAll = (response: Response) => response.text()

it('answers that are written together are those that are written alone', async () => {
  const { url } = await open()
  const prompts = ['hello', 'once', 'a cat', 'x'.repeat(120), 'zebra', 'why']
  const text = async (prompt: string) => textOf(await (await ask(url, { prompt })).text())
  const alone: string[] = []
  for (const prompt of prompts) alone.push(await text(prompt))
  expect(await Promise.all(prompts.map(text))).toEqual(alone)
})
