import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CloudError } from '../../errors/cloud-error.ts'
import { until } from '../../testing/until.ts'
import { createEndpoint } from '../create-endpoint.ts'
import { createGatewayEngine } from './create-gateway-engine.ts'
import { createOpenAiPlugin } from './openai/openai-plugin.ts'
import { isUpstreamFault, mayRetry } from './retry-rules.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type Post = (request: IncomingMessage, response: ServerResponse) => void

const sendJson = (response: ServerResponse, value: unknown) =>
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))

/** A server of the protocol and of the OpenAI API that does with what is posted as it is told. */
async function openUpstream(post: Post): Promise<string> {
  const tensor = (name: string) => ({ name, datatype: 'FP32', shape: [-1] })
  const server = createServer((request, response) => {
    request.on('error', () => {})
    if (request.method === 'POST') return post(request, response)
    if (request.url === '/v2') return sendJson(response, { name: 'x', extensions: ['binary_tensor_data'] })
    if (request.url === '/v1/models') return sendJson(response, { data: [{ id: 'parrot' }] })
    const description = { name: 'copy', versions: ['1'], platform: 'x', inputs: [tensor('x')], outputs: [tensor('y')] }
    return sendJson(response, description)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A gateway before two such upstreams. */
async function open(post: Post) {
  let posts = 0
  const counted: Post = (request, response) => {
    posts += 1
    post(request, response)
  }
  const upstreams = [await openUpstream(counted), await openUpstream(counted)]
  const engine = await createGatewayEngine({ upstreams, random: () => 0 })
  const blamed = engine.upstreams.map(({ state }) => vi.spyOn(state, 'failed'))
  const endpoint = await createEndpoint({ engine, plugins: [createOpenAiPlugin(engine)], logger: false })
  closers.push(() => endpoint.close())
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  return {
    port,
    engine,
    send: ({ path, headers, body }: Asked) =>
      fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body }),
    /** How often an upstream was blamed. */
    failures: () => blamed.reduce((sum, { mock }) => sum + mock.calls.length, 0),
    posts: () => posts,
  }
}

interface Asked {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer<ArrayBuffer>
}

/** Bytes of a large request: more than a connection's buffers hold. */
const bytes = 24_000_000
const head = `{"inputs":[{"name":"x","datatype":"FP32","shape":[${bytes / 4}],"parameters":{"binary_data_size":${bytes}}}]}`
const infer: Asked = {
  path: '/v2/models/copy/infer',
  headers: { 'Content-Type': 'application/octet-stream', 'Inference-Header-Content-Length': String(head.length) },
  body: Buffer.concat([Buffer.from(head), Buffer.alloc(bytes)]),
}
const chat: Asked = {
  path: '/v1/chat/completions',
  headers: { 'Content-Type': 'application/json' },
  body: Buffer.from(`{"model":"parrot","x":"${'a'.repeat(bytes)}"}`),
}
const each = [
  ['an inference', infer],
  ['a chat', chat],
] as const

/** Answers once the body begins to come, says so many bytes more than it has, and closes the connection. */
const refuseEarly =
  (status: number, { missing = 0 } = {}): Post =>
  (request, response) => {
    request.once('data', () => {
      request.pause()
      const reason = JSON.stringify({ error: 'the real reason' })
      const headers = { 'Content-Type': 'application/json', 'Content-Length': reason.length + missing }
      response.writeHead(status, headers).write(reason, () => request.socket.resetAndDestroy())
    })
  }

describe.each(each)('%s that an upstream refuses before it has all of it', (_, asked) => {
  it.each([400, 413, 422])('is answered with its %i, asked once, and counts against nobody', async (status) => {
    const { send, failures, posts } = await open(refuseEarly(status))
    const response = await send(asked)
    expect([response.status, await response.text()]).toEqual([status, expect.stringContaining('the real reason')])
    expect([failures(), posts()]).toEqual([0, 1])
  })

  it('keeps the status though the reason is cut off', async () => {
    const { send, failures, posts } = await open(refuseEarly(413, { missing: 10 }))
    expect((await send(asked)).status).toBe(413)
    expect([failures(), posts()]).toEqual([0, 1])
  })

  it('counts against it where it resets the connection and has said nothing', async () => {
    const { send, failures } = await open((request) => request.once('data', () => request.socket.resetAndDestroy()))
    expect((await send(asked)).status).toBe(502)
    expect(failures()).toBeGreaterThan(0)
  })
})

describe.each(each)('%s whose client goes', (_, asked) => {
  /** Sends so many bytes of it, and what resets the connection. */
  async function begin(port: number, length: number): Promise<() => Promise<void>> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    const headers = { ...asked.headers, Host: 'localhost', 'Content-Length': String(asked.body.length) }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`POST ${asked.path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    await new Promise((resolve) => socket.write(asked.body.subarray(0, length), resolve))
    return async () => {
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
      socket.resetAndDestroy()
      await closed
    }
  }

  it('while an upstream takes it counts against nobody, and the upstream is let go', async () => {
    const held = new Set<IncomingMessage>()
    const { port, engine, failures } = await open((request) => {
      held.add(request)
      request.once('data', () => request.pause())
      request.socket.once('close', () => held.delete(request))
    })
    for (let time = 0; time < 6; time += 1) {
      const leave = await begin(port, asked.body.length)
      await until(() => held.size === 1)
      await leave()
      // A server that does not read sees no end; the gateway is done with it all the same.
      await until(() => engine.upstreams.every(({ state }) => state.inFlight === 0))
      for (const { socket } of held) socket.destroy()
      await until(() => held.size === 0)
    }
    expect(failures()).toBe(0)
  })

  it('while it still sends reaches no upstream', async () => {
    const { port, failures, posts, send } = await open((_, response) => response.writeHead(400).end('{}'))
    for (let time = 0; time < 6; time += 1) await (await begin(port, 5_000_000))()
    // One more, so that the others are over.
    expect((await send(asked)).status).toBe(400)
    expect([failures(), posts()]).toEqual([0, 1])
  })
})

describe('an answer that holds more than the gateway reads', () => {
  it.each([
    ['in its JSON', (response: ServerResponse) => sendJson(response, { outputs: [{ name: 'y', data: [{}, {}] }] })],
    ['in bytes', (response: ServerResponse) => response.writeHead(200, { 'Content-Length': 2 ** 29 }).flushHeaders()],
  ])('%s is 502, asked for once, and counts against nobody', async (_, answer) => {
    const { send, failures, posts } = await open((request, response) => {
      request.resume().once('end', () => answer(response))
    })
    const response = await send(infer)
    expect([response.status, failures(), posts()]).toEqual([502, 0, 1])
  })
})

it("counts no failure of the gateway's own thread against an upstream", () => {
  const died = new CloudError('cloud-overloaded', 'The endpoint could not finish this request; try again.')
  const said = new CloudError('cloud-overloaded', 'The endpoint is too busy.', { context: { status: 503 } })
  const cut = new CloudError('cloud-bad-response', "The endpoint's answer was cut off.")
  expect([died, said, cut].map((error) => mayRetry(error, {}))).toEqual([false, true, true])
  expect([died, said, cut].map(isUpstreamFault)).toEqual([false, false, true])
})
