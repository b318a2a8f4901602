import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseInferRequest } from '../protocol/infer/infer-request.ts'
import { encodeInferResponse } from '../protocol/infer/infer-response.ts'

/** What a request for an inference, or for an answer of the OpenAI API, gets instead of an answer. */
export type UpstreamFault =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** The socket is destroyed before an answer. */
  | { readonly kind: 'dies' }
  /** Half of the answer comes, then the connection is closed. */
  | { readonly kind: 'half' }
  /** No answer comes until `release` is called. */
  | { readonly kind: 'waits' }

interface Asked {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/**
 * A server of the protocol with one model, `copy` (`y` is `x`), and an OpenAI chat model, `parrot`. It can be made to
 * fail, to stop and to come back at the same address.
 */
export async function openFakeUpstream(
  options: {
    readonly models?: readonly string[]
    readonly versions?: readonly string[]
    readonly openAiBase?: string
    /** It takes binary tensors, and answers with them. Default true. */
    readonly binary?: boolean
  } = {},
) {
  const { models = ['copy'], versions = ['1'], openAiBase, binary = true } = options
  const asked: Asked[] = []
  const waiting = new Set<() => void>()
  let fault: UpstreamFault | undefined
  let ready = true
  let port = 0
  let server: Server | undefined

  const json = (response: ServerResponse, status: number, value: unknown) =>
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))

  const spoil = (response: ServerResponse, answer: Uint8Array, headers: Readonly<Record<string, string>>) => {
    const now = fault
    if (now === undefined) response.writeHead(200, headers).end(answer)
    else if (now.kind === 'status') response.writeHead(now.status, now.headers).end('{"error":"as it was told to"}')
    else if (now.kind === 'dies') response.destroy()
    else if (now.kind === 'half') {
      response.writeHead(200, headers)
      // Closed in order: the client reads the half before it sees the end.
      response.write(answer.subarray(0, answer.length >> 1), () => response.socket?.end())
    } else {
      const release = () => {
        waiting.delete(release)
        response.writeHead(200, headers).end(answer)
      }
      waiting.add(release)
      response.on('close', () => waiting.delete(release))
    }
  }

  const infer = (response: ServerResponse, model: string, { headers, body }: Asked) => {
    const head = headers['inference-header-content-length']
    const { id, inputs } = parseInferRequest(body, head === undefined ? undefined : Number(head))
    const x = inputs.x ?? { type: 'float32', dims: [0], data: new Float32Array() }
    const answer = encodeInferResponse({
      modelName: model,
      ...(id === undefined ? {} : { id }),
      outputs: { y: x },
      binary,
    })
    spoil(response, answer.body, answer.headers)
  }

  const chat = (response: ServerResponse, { body }: Asked) => {
    const { stream = false } = JSON.parse(body.toString()) as { readonly stream?: boolean }
    const events = ['Hel', 'lo'].map((content) => `data: {"choices":[{"delta":{"content":"${content}"}}]}\n\n`)
    const text = stream ? [...events, 'data: [DONE]\n\n'].join('') : '{"choices":[{"message":{"content":"Hello"}}]}'
    spoil(response, Buffer.from(text), { 'Content-Type': stream ? 'text/event-stream' : 'application/json' })
  }

  const answer = (response: ServerResponse, request: Asked) => {
    const { path } = request
    const [, model = '', rest = ''] = /^\/v2\/models\/([^/]+)(\/.*)?$/.exec(path) ?? []
    if (path === '/v2')
      return json(response, 200, { name: 'fake', version: '1', extensions: binary ? ['binary_tensor_data'] : [] })
    if (path === '/v2/health/ready') return response.writeHead(ready ? 200 : 503).end()
    if (path === '/v2/repository/index') {
      return json(
        response,
        200,
        models.map((name) => ({ name, version: versions[0], state: 'READY' })),
      )
    }
    if (/^\/v2\/repository\/models\/[^/]+\/(load|unload)$/.test(path)) return response.writeHead(200).end('{}')
    if (openAiBase !== undefined && path === `${openAiBase}/models`) {
      return json(response, 200, { object: 'list', data: [{ id: 'parrot', object: 'model', owned_by: 'fake' }] })
    }
    if (openAiBase !== undefined && path.startsWith(`${openAiBase}/`)) return chat(response, request)
    if (!models.includes(model)) return json(response, 404, { error: `no model ${model}` })
    if (rest.endsWith('/infer')) return infer(response, model, request)
    const tensor = (name: string) => ({ name, datatype: 'FP32', shape: [-1] })
    return json(response, 200, {
      name: model,
      versions,
      platform: 'fake',
      inputs: [tensor('x')],
      outputs: [tensor('y')],
    })
  }

  const start = async () => {
    const own = createServer((incoming, response) => {
      const chunks: Buffer[] = []
      incoming.on('error', () => {})
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        const request = { path: incoming.url ?? '', headers: incoming.headers, body: Buffer.concat(chunks) }
        asked.push(request)
        answer(response, request)
      })
    })
    await new Promise<void>((resolve) => own.listen(port, '127.0.0.1', resolve))
    port = (own.address() as AddressInfo).port
    server = own
  }
  const stop = async () => {
    const old = server
    server = undefined
    old?.closeAllConnections()
    await new Promise<void>((resolve) => (old === undefined ? resolve() : old.close(() => resolve())))
  }
  await start()

  return {
    get url() {
      return `http://127.0.0.1:${port}`
    },
    asked,
    /** Requests for an inference or a chat, in order. */
    runs: () => asked.filter(({ path }) => path.endsWith('/infer') || path.includes('/chat/')),
    /** Requests that wait to be released. */
    get held() {
      return waiting.size
    },
    fail(next: UpstreamFault | undefined) {
      fault = next
    },
    release() {
      for (const letGo of [...waiting]) letGo()
    },
    setReady(value: boolean) {
      ready = value
    },
    start,
    stop,
  }
}

export type FakeUpstream = Awaited<ReturnType<typeof openFakeUpstream>>
