import { createServer, type IncomingMessage, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'

/** What passed: one request and its answer, bodies unpacked. */
export interface Passed {
  readonly method: string
  readonly path: string
  readonly requestHeaders: IncomingMessage['headers']
  readonly requestBody: Buffer
  readonly status: number
  readonly answerHeaders: IncomingMessage['headers']
  readonly answerBody: Buffer
}

/** What the proxy answers by itself. */
export interface OwnAnswer {
  readonly status: number
  readonly body: string
}

const unpackers: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: (body) => gunzipSync(body),
  br: (body) => brotliDecompressSync(body),
  deflate: (body) => inflateSync(body),
}

function unpack(body: Buffer, encoding: string | undefined): Buffer {
  const unpacked = body.length === 0 ? undefined : unpackers[encoding ?? '']?.(body)
  return unpacked ?? body
}

const readAll = async (stream: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** A reverse proxy on a port of its own that keeps everything that passes, as one that looks on between could. */
export async function openRecordingProxy(port: number) {
  let targetPort = port
  const passed: Passed[] = []
  let fault: (path: string) => OwnAnswer | undefined | Promise<undefined> = () => undefined

  const forward = (request: IncomingMessage, body: Buffer) =>
    new Promise<{ readonly answer: IncomingMessage; readonly body: Buffer }>((resolve, reject) => {
      const { method, url: path, headers } = request
      const sent = sendRequest({ host: '127.0.0.1', port: targetPort, method, path, headers }, (answer) => {
        readAll(answer).then((answerBody) => resolve({ answer, body: answerBody }), reject)
      })
      sent.on('error', reject).end(body)
    })

  const server = createServer(async (request, response) => {
    try {
      const { method = '', url: path = '', headers: requestHeaders } = request
      const sent = await readAll(request)
      const own = await fault(path)
      const { answer, body } = own === undefined ? await forward(request, sent) : { answer: undefined, body: own.body }
      const status = answer?.statusCode ?? own?.status ?? 502
      const answerHeaders = answer?.headers ?? { 'content-type': 'application/json' }
      passed.push({
        method,
        path,
        requestHeaders,
        requestBody: unpack(sent, requestHeaders['content-encoding']),
        status,
        answerHeaders,
        answerBody: unpack(Buffer.from(body), answerHeaders['content-encoding']),
      })
      response.writeHead(status, answerHeaders).end(body)
    } catch {
      response.destroy()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    /** Everything that passed, in the order of its end. */
    passed,
    /** From now on, this says what is answered instead of the target. */
    answer(next: typeof fault) {
      fault = next
    },
    /** From now on, what comes is handed on to this port. */
    pointTo(next: number) {
      targetPort = next
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type RecordingProxy = Awaited<ReturnType<typeof openRecordingProxy>>

/** Does any of these hold what is looked for: a text, also as UTF-16 and base64, or bytes? */
export function holds(bytes: readonly Buffer[], sought: string | Buffer): boolean {
  const plain = Buffer.from(sought)
  // Base64 of what begins at any of three places.
  const packed = [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), plain]).toString('base64')
    return Buffer.from(whole.slice(shift === 0 ? 0 : 4, whole.length - 4))
  })
  const forms = [plain, ...packed, ...(typeof sought === 'string' ? [Buffer.from(sought, 'utf16le')] : [])]
  return bytes.some((each) => forms.some((form) => each.includes(form)))
}

/** All bytes of one that passed: its address, headers and bodies. */
export const bytesOf = ({ path, requestHeaders, requestBody, answerHeaders, answerBody }: Passed): Buffer[] => [
  Buffer.from(`${decodeURIComponent(path)} ${JSON.stringify(requestHeaders)} ${JSON.stringify(answerHeaders)}`),
  requestBody,
  answerBody,
]
