import { request } from 'node:http'
import { encodeInferRequest } from '../../src/protocol/infer/infer-request.ts'
import type { RecordedAnswer } from '../../src/testing/recorded-server.ts'

interface Sent {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

/** Headers whose values differ from run to run and that no reader looks at. */
const passing = new Set(['date', 'connection', 'keep-alive'])

function send(base: string, { method = 'GET', path, headers = {}, body }: Sent): Promise<RecordedAnswer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': String(body.length) }
    const outgoing = request(
      `${base}${path}`,
      { method, headers: { ...headers, ...length }, agent: false },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({
            method,
            path,
            status: incoming.statusCode ?? 0,
            headers: Object.fromEntries(
              Object.entries(incoming.headers).flatMap(([name, value]) =>
                passing.has(name) ? [] : [[name, String(value)]],
              ),
            ),
            ...toBody(Buffer.concat(chunks)),
          }),
        )
      },
    )
    outgoing.on('error', (cause) => reject(new Error(`${method} ${path} got no answer`, { cause })))
    outgoing.end(body)
  })
}

/** Text stays readable; anything else is base64. */
function toBody(bytes: Buffer): { readonly text: string } | { readonly base64: string } {
  const plain = bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
  return plain ? { text: bytes.toString() } : { base64: bytes.toString('base64') }
}

const json = { 'Content-Type': 'application/json' }
/** What every browser sends along, and no script can change. */
const browser = { 'Accept-Encoding': 'gzip, deflate, br, zstd' }
const image = { image: { type: 'uint8', dims: [1, 1, 28, 28], data: new Uint8Array(784) } } as const
const x = { x: { type: 'float32', dims: [1], data: new Float32Array([1]) } } as const

function infer(model: string, how: { readonly binary: boolean; readonly inputs?: typeof image | typeof x }): Sent {
  const { body, headers } = encodeInferRequest({ inputs: how.inputs ?? image, id: 'recorded', binary: how.binary })
  return { method: 'POST', path: `/v2/models/${model}/infer`, headers: { ...headers, ...browser }, body }
}

const text = (value: string) => new TextEncoder().encode(value)

/** The questions that tell servers of the protocol apart, by name. */
const questions: Readonly<Record<string, Sent>> = {
  metadata: { path: '/v2' },
  live: { path: '/v2/health/live' },
  ready: { path: '/v2/health/ready' },
  modelMetadata: { path: '/v2/models/digits' },
  modelReady: { path: '/v2/models/digits/ready' },
  unknownModel: { path: '/v2/models/none' },
  unknownModelReady: { path: '/v2/models/none/ready' },
  unknownModelInfer: infer('none', { binary: false }),
  versionReady: { path: '/v2/models/digits/versions/1/ready' },
  index: { method: 'POST', path: '/v2/repository/index', headers: json, body: text('{}') },
  list: { path: '/v2/models' },
  inferJson: infer('digits', { binary: false }),
  inferBinary: infer('digits', { binary: true }),
  missingInput: infer('digits', { binary: false, inputs: x }),
  nonsense: { method: 'POST', path: '/v2/models/digits/infer', headers: json, body: text('{"inputs": 7}') },
  fails: infer('fail', { binary: false, inputs: x }),
}

/** Asks a running server all questions, and overloads its `slow` model to see what it says then. */
export async function recordAnswers(base: string): Promise<Record<string, RecordedAnswer>> {
  const answers: Record<string, RecordedAnswer> = {}
  for (const [name, sent] of Object.entries(questions)) answers[name] = await send(base, sent)
  const slow = infer('slow', { binary: false, inputs: x })
  const many = await Promise.all(Array.from({ length: 12 }, () => send(base, slow)))
  const refused = many.find(({ status }) => status !== 200)
  if (refused !== undefined) answers.overload = refused
  return answers
}
