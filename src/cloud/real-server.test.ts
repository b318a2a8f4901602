import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { TensorMap } from '../contracts/tensor.ts'
import { encodeInferResponse } from '../protocol/infer/infer-response.ts'
import { createCloudArm } from './create-cloud-arm.ts'

const inputs: TensorMap = { x: { type: 'uint8', dims: [2], data: new Uint8Array([1, 2]) } }
const outputs: TensorMap = { y: { type: 'float32', dims: [2], data: new Float32Array([1, 2]) } }
const { body: whole, headers: binaryHeaders } = encodeInferResponse({ modelName: 'm', outputs, binary: true })

const closers: (() => void)[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const close of closers.splice(0)) close()
})

/** A server of this test's own: describes itself as binary, and answers a run with `respond`. */
async function serve(respond: (response: ServerResponse, request: IncomingMessage) => void) {
  const server = createServer((request, response) => {
    if (request.url === '/v2') {
      response.end(JSON.stringify({ name: 's', version: '1', extensions: ['binary_tensor_data'] }))
    } else {
      request.resume().on('end', () => respond(response, request))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { server, url, cloud: createCloudArm({ url }) }
}

function signal() {
  let fire = () => {}
  const fired = new Promise<void>((resolve) => (fire = resolve))
  return { fired, fire: () => fire() }
}

describe('against a real server', () => {
  it('reads a whole answer', async () => {
    const { cloud } = await serve((response) => response.writeHead(200, binaryHeaders).end(whole))
    expect((await cloud.run('m', inputs)).outputs).toEqual(outputs)
    expect((await cloud.ping()).roundTripMs).toBeGreaterThan(0)
  })

  it.each<[string, string, (response: ServerResponse) => void]>([
    ['the socket dies before the answer', 'cloud-unreachable', (response) => response.destroy()],
    [
      'the socket dies in the middle of the body',
      'cloud-bad-response',
      (response) => {
        response.writeHead(200, { ...binaryHeaders, 'Content-Length': whole.length })
        // `write` calls back once the bytes are with the system, so the client gets them before the end.
        response.write(whole.subarray(0, 40), () => response.socket?.end())
      },
    ],
    [
      'the body ends early without a length',
      'cloud-bad-response',
      (response) => response.writeHead(200).end(whole.subarray(0, whole.length - 1)),
    ],
    [
      'a web page comes instead',
      'cloud-bad-response',
      (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>'),
    ],
    ['half of the JSON comes', 'cloud-bad-response', (response) => response.writeHead(200).end(whole.subarray(0, 20))],
    [
      'a redirect comes',
      'cloud-unreachable',
      (response) => response.writeHead(302, { Location: 'http://127.0.0.1:9/' }).end(),
    ],
    [
      'it is overloaded',
      'cloud-overloaded',
      (response) => response.writeHead(503, { 'Retry-After': '1' }).end('{"error":"full"}'),
    ],
  ])('when %s, it is %s, and the next run works', async (_, code, respond) => {
    let healthy = false
    const { cloud } = await serve((response) =>
      healthy ? response.writeHead(200, binaryHeaders).end(whole) : respond(response),
    )
    await expect(cloud.run('m', inputs)).rejects.toMatchObject({ name: 'CloudError', code })
    healthy = true
    expect((await cloud.run('m', inputs)).outputs).toEqual(outputs)
  })

  it('gives up on a body that stalls, and lets go of the connection', async () => {
    const [begun, gone] = [signal(), signal()]
    const { cloud } = await serve((response) => {
      response.on('close', () => gone.fire())
      response.writeHead(200, binaryHeaders)
      response.write(whole.subarray(0, 40), () => begun.fire())
    })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const run = expect(cloud.run('m', inputs, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'cloud-timeout' })
    await begun.fired
    vi.advanceTimersByTime(100)
    await run
    await gone.fired
  })

  it("lets go of the connection when the caller's signal aborts", async () => {
    const controller = new AbortController()
    const gone = signal()
    const { cloud } = await serve((response) => {
      response.on('close', () => gone.fire())
      controller.abort('changed my mind')
    })
    await expect(cloud.run('m', inputs, { signal: controller.signal })).rejects.toBe('changed my mind')
    await gone.fired
  })

  it('tells a server that is gone', async () => {
    const { cloud, server } = await serve((response) => response.end())
    await new Promise((resolve) => server.close(resolve))
    await expect(cloud.ping()).rejects.toMatchObject({ code: 'cloud-unreachable' })
    await expect(cloud.hasModel('m')).rejects.toMatchObject({ code: 'cloud-unreachable' })
  })
})
