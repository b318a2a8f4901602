import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveThread } from '../endpoint/threads/serve-thread.ts'

/** An upstream without binary tensors by default; what it answers to every inference and every chat. */
export interface BesideUpstream {
  readonly binary?: boolean
  /** `before`, then `item` so many times, then `after`: `0,` many times is shorter than what it makes. */
  readonly answer: { readonly before: string; readonly item: string; readonly times: number; readonly after: string }
  /** Tensors' bytes behind the answer's JSON. */
  readonly tailBytes?: number
}

/** A server that refuses early. */
export interface BesideRefusal {
  readonly status: number
  readonly afterBytes: number
  readonly closed: SharedArrayBuffer
}

export interface BesideAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array<ArrayBuffer>
}

async function drain(request: IncomingMessage): Promise<number> {
  let bytes = 0
  for await (const chunk of request) bytes += (chunk as Buffer).length
  return bytes
}

const methods = {
  /** Sends a request and reads the whole answer. */
  async ask(url: string, init: { readonly headers: Record<string, string>; readonly body: Uint8Array<ArrayBuffer> }) {
    const response = await fetch(url, { method: 'POST', ...init })
    const body = new Uint8Array(await response.arrayBuffer())
    const value: BesideAnswer = { status: response.status, headers: Object.fromEntries(response.headers), body }
    return { value, transfer: [body.buffer] }
  },

  /** Starts a server of the protocol and of the OpenAI API; it ends with the thread. */
  async upstream({ binary = false, answer, tailBytes = 0 }: BesideUpstream) {
    const { before, item, times, after } = answer
    const items = item.repeat(times)
    const text = Buffer.from(`${before}${items.endsWith(',') ? items.slice(0, -1) : items}${after}`)
    const body = Buffer.concat([text, Buffer.alloc(tailBytes)])
    const tensor = (name: string) => ({ name, datatype: 'FP32', shape: [-1] })
    const json = (response: ServerResponse, value: unknown) =>
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
    const server = createServer(async (request, response) => {
      const { url = '', method } = request
      await drain(request)
      if (method === 'POST') return response.writeHead(200, { 'Content-Type': 'application/json' }).end(body)
      if (url === '/v2') return json(response, { name: 'x', extensions: binary ? ['binary_tensor_data'] : [] })
      if (url === '/v1/models') return json(response, { object: 'list', data: [{ id: 'parrot', object: 'model' }] })
      const model = { name: 'copy', versions: ['1'], platform: 'x', inputs: [tensor('x')], outputs: [tensor('y')] }
      return json(response, url === '/v2/models/copy' ? model : {})
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { value: (server.address() as AddressInfo).port }
  },

  /**
   * Starts a server that reads so much of a request's body, refuses it and resets the connection, whatever else comes.
   *
   * @param options.closed set to 1 when it has done so, for one that waits for it
   */
  async refusing({ status, afterBytes, closed }: BesideRefusal) {
    const flag = new Int32Array(closed)
    const server = createServer((request, response) => {
      let bytes = 0
      request.on('error', () => {})
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes < afterBytes || response.headersSent) return
        request.pause()
        const reason = '{"error":"too large for me"}'
        response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': reason.length })
        response.end(reason, () => {
          request.socket.resetAndDestroy()
          Atomics.store(flag, 0, 1)
          Atomics.notify(flag, 0)
        })
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { value: (server.address() as AddressInfo).port }
  },
}
export type BesideMethods = typeof methods

serveThread(methods)
