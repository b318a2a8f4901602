import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'
import { writeModel } from '../testing/write-model.ts'
import type { Endpoint } from './create-endpoint.ts'

const mebibyte = 1024 * 1024
const bodyLimitBytes = mebibyte
let fixture: EndpointFixture
let endpoint: Endpoint
let port = 0
beforeAll(async () => {
  fixture = await openEndpointFixture()
  endpoint = await fixture.open({ bodyLimitBytes, arrivalLimitsMs: { headers: 1500, request: 3000 } })
  port = (await endpoint.listen({ port: 0, host: '127.0.0.1' })).port
})
afterAll(() => fixture.close())

const row = (name: string, more = {}) => ({ name, shape: [1, 2], datatype: 'FP32', data: [1, 2], ...more })
const good = JSON.stringify({ inputs: [row('a'), row('b')] })
const post = (payload: string | Buffer, headers: Record<string, string> = {}, model = 'sum') =>
  endpoint.app.inject({
    method: 'POST',
    url: `/v2/models/${model}/infer`,
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  })
const healthy = async (at = port) => {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: good }
  expect((await fetch(`http://127.0.0.1:${at}/v2/models/sum/infer`, init)).status).toBe(200)
}

/** Sends text as it is, and gives what came back once the connection ends. */
const talk = (text: string, keep?: (socket: Socket) => void) =>
  new Promise<string>((resolve) => {
    let heard = ''
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(text)
      keep?.(socket)
    })
    socket.on('data', (chunk) => {
      heard += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(heard))
  })
const head = (length: string) =>
  `POST /v2/models/sum/infer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${length}\r\n\r\n`

describe('case 42: hostile models', () => {
  it('are refused or fail in a sentence, however they are broken, and the next model runs', async () => {
    const specs = {
      inputs: [{ name: 'x', type: 'float32' as const, shape: [-1, 2] }],
      outputs: [{ name: 'y', type: 'float32' as const, shape: [-1, 2] }],
    }
    const graph = tinyOnnx({ ...specs, nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }] })
    const open = await fixture.open({ openRepository: true })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(graph.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(graph.length),
        async (changes, length) => {
          const broken = graph.slice(0, length < 8 ? length : graph.length)
          for (const [at, byte] of changes) if (at < broken.length) broken[at] = byte
          if (broken.length === 0) return
          await writeModel(fixture.modelsDir, { name: 'broken', ...specs, graph: broken })
          const ask = (url: string, payload: string) =>
            open.app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } })
          await ask('/v2/repository/models/broken/load', '{}')
          const answer = await ask('/v2/models/broken/infer', JSON.stringify({ inputs: [row('x')] }))
          expect([200, 400, 500]).toContain(answer.statusCode)
        },
      ),
      { numRuns: 150 },
    )
    expect(
      (
        await open.app.inject({
          method: 'POST',
          url: '/v2/models/sum/infer',
          payload: good,
          headers: { 'content-type': 'application/json' },
        })
      ).statusCode,
    ).toBe(200)
  }, 60_000)
})

describe('case 44: hostile tensors', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}1${']'.repeat(depth)}`
  const both = (more: object) => JSON.stringify({ inputs: [row('a', more), row('b')] })

  it.each([
    ['a __proto__ key', `{"__proto__":{"polluted":1},"inputs":${JSON.stringify([row('a'), row('b')])}}`],
    ['a __proto__ key far in', good.replace('"shape"', '"parameters":{"__proto__":1},"shape"')],
    ['a tensor named __proto__', good.replace('"a"', '"__proto__"')],
    ['a size of -1', both({ shape: [-1, 2] })],
    ['a size of 2^63', good.replace('[1,2]', '[9223372036854775808,2]')],
    ['sizes that overflow to the right count', both({ shape: [2 ** 32, 2 ** 32] })],
    ['2^40 of nothing', both({ shape: [2 ** 40, 0], data: [] })],
    ['sizes whose bytes overflow', both({ shape: [2 ** 30, 2], data: [1, 2] })],
    ['a size that is no whole number', both({ shape: [1.5, 2] })],
    ['a size as text', both({ shape: ['1', 2] })],
    ['a thousand dimensions', both({ shape: Array(1000).fill(1) })],
    ['NaN', good.replace('[1,2]}', '[NaN,2]}')],
    ['a number beyond float32', both({ data: [1e39, 2] })],
    ['nothing in place of a number', both({ data: [null, 2] })],
    ['nesting beyond the limit', good.replace('"data":[1,2]', `"data":${nested(101)}`)],
    ['nesting of a hundred thousand', nested(100_000).slice(0, 200_000)],
    ['a name twice', JSON.stringify({ inputs: [row('a'), row('a')] })],
    ['an output twice', JSON.stringify({ inputs: [row('a'), row('b')], outputs: [{ name: 'y' }, { name: 'y' }] })],
    ['data twice', both({ parameters: { binary_data_size: 8 } })],
    ['no datatype', good.replace('"FP32"', 'null')],
    ['a parameter that is a list', JSON.stringify({ inputs: [row('a'), row('b')], parameters: { x: [1] } })],
    ['a timeout that is text', JSON.stringify({ inputs: [row('a'), row('b')], parameters: { timeout: 'soon' } })],
    ['a timeout of the past', JSON.stringify({ inputs: [row('a'), row('b')], parameters: { timeout: -1 } })],
    [
      'text that is not UTF-8',
      Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff, 0xfe]), Buffer.from(`",${good.slice(1)}`)]),
    ],
  ])('%s: 400 with a reason', async (_, body) => {
    const response = await post(body)
    expect(response.statusCode).toBe(400)
    expect(response.json().error).toMatch(/\w/)
    expect(Object.prototype).not.toHaveProperty('polluted')
  })

  it.each([
    ['longer than the body', '999999'],
    ['beyond every integer', '99999999999999'],
    ['shorter than the JSON', '5'],
    ['twice', '10, 10'],
    ['in hexadecimal', '0x10'],
  ])('a header that names a JSON %s: 400, and it lives', async (_, length) => {
    const response = await post(good, {
      'inference-header-content-length': length,
      'content-type': 'application/octet-stream',
    })
    expect(response.statusCode).toBe(400)
    await healthy()
  })

  it.each([
    ['more bytes than there are', 1 << 30],
    ['fewer bytes than there are', 4],
    ['less than none', -8],
    ['half a byte', 7.5],
    ['text', '8'],
  ])('binary data said to have %s: 400', async (_, size) => {
    const json = JSON.stringify({
      inputs: [{ name: 'a', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: size } }, row('b')],
    })
    const body = Buffer.concat([Buffer.from(json), Buffer.alloc(8)])
    const response = await post(body, { 'inference-header-content-length': String(json.length) })
    expect(response.statusCode).toBe(400)
  })
})

describe('case 45: too much, too slow', () => {
  it('a body of 1 GB is refused unread: 413', async () => {
    expect(await talk(head(`Content-Length: ${1024 * mebibyte}`))).toMatch(/^HTTP\/1.1 413 /)
    await healthy()
  })

  it('a body that never says its end is cut at the limit: 413', async () => {
    const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
    const heard = await talk(head('Transfer-Encoding: chunked'), (socket) => {
      const send = () => {
        while (!socket.destroyed && socket.write(chunk));
      }
      socket.on('drain', send)
      send()
    })
    expect(heard).toMatch(/^HTTP\/1.1 413 /)
    await healthy()
  })

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ])('a %s bomb is cut at the limit: 413', async (encoding, pack) => {
    const bomb = pack(Buffer.alloc(64 * mebibyte, 0x20))
    expect(bomb.length).toBeLessThan(bodyLimitBytes)
    const before = process.memoryUsage().arrayBuffers
    expect((await post(bomb, { 'content-encoding': encoding })).statusCode).toBe(413)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * mebibyte)
    await healthy()
  })

  it.each(['br', 'gzip, gzip', 'gzip, identity'])(
    'a body packed as %s is not unpacked at all: 415',
    async (encoding) => {
      const response = await post(gzipSync(gzipSync(good)), { 'content-encoding': encoding })
      expect(response.statusCode).toBe(415)
      expect(response.json().error).toContain('gzip and deflate')
    },
  )

  it('bodies that together are more than the memory for them: 503 with Retry-After', async () => {
    const small = await fixture.open({ bodyLimitBytes, bodyBudgetBytes: 1000 })
    const send = (payload: string) =>
      small.app.inject({
        method: 'POST',
        url: '/v2/models/sum/infer',
        payload,
        headers: { 'content-type': 'application/json' },
      })
    const refused = await send(JSON.stringify({ id: 'x'.repeat(900), inputs: [row('a'), row('b')] }))
    expect(refused.statusCode).toBe(503)
    expect(refused.headers['retry-after']).toBe('1')
    expect((await send(good)).statusCode).toBe(200)
  })

  it('headers and bodies that come byte by byte are cut off with 408, and others are answered meanwhile', async () => {
    const drip = (text: string) => {
      let timer: NodeJS.Timeout | undefined
      return talk(text, (socket) => {
        timer = setInterval(() => socket.write('x'), 100)
        socket.on('close', () => clearInterval(timer))
      })
    }
    const slow = Promise.all([
      drip('POST /v2/models/sum/infer HTTP/1.1\r\nX-Slow: '),
      drip(head('Content-Length: 100000')),
      talk(''),
    ])
    await healthy()
    for (const heard of await slow) expect(heard).toMatch(/^HTTP\/1.1 408 /)
    await healthy()
  }, 60_000)

  it('headers beyond 16 KiB: 431', async () => {
    expect(await talk(`GET /v2 HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    )
  })

  it('5,000 silent connections keep nobody waiting', async () => {
    const own = await fixture.open()
    const { port: quiet } = await own.listen({ port: 0, host: '127.0.0.1' })
    const sockets: Socket[] = []
    const silent = () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(quiet, '127.0.0.1', resolve).on('error', reject)
        sockets.push(socket)
      })
    // Both ends are this process's; what it may open is less on some systems.
    const count = Math.min(5000, Math.floor((openFilesLimit() - 500) / 2))
    expect(count).toBeGreaterThan(100)
    for (let left = count; left > 0; left -= 100) await Promise.all(Array.from({ length: Math.min(100, left) }, silent))
    await Promise.all(Array.from({ length: 20 }, () => healthy(quiet)))
    expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([])
    for (const socket of sockets) socket.on('error', () => {}).destroy()
  })
})

function openFilesLimit(): number {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files: { readonly soft: number | 'unlimited' } }
  }
  const soft = userLimits?.open_files.soft ?? 1024
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft
}

describe('case 46: more than it can do', () => {
  it('answers the rest at once with 503 and Retry-After, and holds no more than its queue', async () => {
    const busy = await fixture.open({ maxQueue: 4 })
    const one = JSON.stringify({ inputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }] })
    const send = () =>
      busy.app.inject({
        method: 'POST',
        url: '/v2/models/slow/infer',
        payload: one,
        headers: { 'content-type': 'application/json' },
      })
    const answers = await Promise.all(Array.from({ length: 60 }, send))
    const refused = answers.filter(({ statusCode }) => statusCode === 503)
    expect(refused.length).toBeGreaterThanOrEqual(50)
    expect(answers.filter(({ statusCode }) => statusCode === 200).length).toBe(60 - refused.length)
    for (const { headers } of refused) expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1)
  }, 60_000)

  it('refuses before the body is read what would come too late', async () => {
    const busy = await fixture.open()
    const { port: own } = await busy.listen({ port: 0, host: '127.0.0.1' })
    const url = `http://127.0.0.1:${own}/v2/models/slow/infer`
    const one = JSON.stringify({ inputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }] })
    const send = (headers = {}) =>
      fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: one })
    await send()
    const late = await send({ 'hither-timeout-ms': '1' })
    expect(late.status).toBe(503)
    // No body has come, and none will: the answer is there all the same.
    const unread = await new Promise<string>((resolve) => {
      const socket = connect(own, '127.0.0.1', () =>
        socket.write(
          'POST /v2/models/slow/infer HTTP/1.1\r\nHost: x\r\nHither-Timeout-Ms: 1\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n',
        ),
      )
      socket.once('data', (chunk) => {
        socket.destroy()
        resolve(String(chunk))
      })
    })
    expect(unread).toMatch(/^HTTP\/1.1 503 /)
    expect((await send({ 'hither-timeout-ms': '60000' })).status).toBe(200)
  })

  it('refuses a client beyond its rate with 429, and nobody else', async () => {
    const limited = await fixture.open({ rateLimit: { perAddress: 1 }, trustProxy: true })
    const send = (ip: string) =>
      limited.app.inject({
        method: 'POST',
        url: '/v2/models/sum/infer',
        payload: good,
        headers: { 'content-type': 'application/json', 'x-forwarded-for': ip },
      })
    const statuses: number[] = []
    for (let count = 0; count < 12; count += 1) statuses.push((await send('203.0.113.1')).statusCode)
    expect(statuses).toEqual([...Array(10).fill(200), 429, 429])
    const refused = await send('203.0.113.1')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect((await send('203.0.113.2')).statusCode).toBe(200)
    expect(
      (await limited.app.inject({ url: '/v2/health/live', headers: { 'x-forwarded-for': '203.0.113.1' } })).statusCode,
    ).toBe(200)
  })
})

describe('case 50: addresses in requests', () => {
  it('are never fetched', async () => {
    let asked = 0
    const trap = createServer((_, response) => {
      asked += 1
      response.end()
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/`
    const open = await fixture.open({ openRepository: true })
    const send = (path: string, body: unknown, headers = {}) =>
      open.app.inject({
        method: 'POST',
        url: path,
        payload: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      })
    const jku = Buffer.from(JSON.stringify({ alg: 'RS256', jku: url, x5u: url })).toString('base64url')
    const guarded = await fixture.open({ tokens: { keys: { keys: [] }, audience: 'x' } })
    const answers = [
      await send('/v2/models/sum/infer', {
        id: url,
        inputs: [row('a'), row('b')],
        parameters: { headers: url, callback: url },
      }),
      await send('/v2/models/id/infer', {
        inputs: [{ name: 'string-in', shape: [1], datatype: 'BYTES', data: [url] }],
      }),
      await send(`/v2/repository/models/${encodeURIComponent(url)}/load`, {}),
      await send('/v2/repository/models/sum/load', { parameters: { config: url, 'file:1/model.onnx': url } }),
      await send(
        '/v2/models/sum/infer',
        { inputs: [row('a'), row('b')] },
        { 'x-forwarded-host': url, referer: url, traceparent: url },
      ),
      await guarded.app.inject({ url: '/v2/models/sum', headers: { authorization: `Bearer ${jku}.e30.AAAA` } }),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 400, 404, 400, 200, 401])
    // The trap does count: it has this one, and no earlier one.
    await fetch(url)
    expect(asked).toBe(1)
    trap.close()
  })
})
