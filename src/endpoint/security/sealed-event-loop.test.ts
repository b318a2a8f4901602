import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SealingKeys, sealedType, sealRequest } from '../../protocol/sealing.ts'
import { type Beside, openBeside } from '../../testing/beside.ts'
import { type EndpointFixture, openEndpointFixture } from '../../testing/endpoint-fixture.ts'
import { watched } from '../../testing/longest-turn.ts'
import { tinyOnnx } from '../../testing/tiny-onnx.ts'
import { writeModel } from '../../testing/write-model.ts'

const path = '/v2/models/copy/infer'

let fixture: EndpointFixture
let beside: Beside
let url = ''
let keys: SealingKeys
beforeAll(async () => {
  fixture = await openEndpointFixture()
  beside = openBeside()
  const specs = {
    inputs: [{ name: 'x', type: 'float32' as const, shape: [-1] }],
    outputs: [{ name: 'y', type: 'float32' as const, shape: [-1] }],
  }
  const nodes = [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }]
  await writeModel(fixture.modelsDir, { name: 'copy', ...specs, graph: tinyOnnx({ ...specs, nodes }) })
  const endpoint = await fixture.open()
  url = `http://127.0.0.1:${(await endpoint.listen({ port: 0, host: '127.0.0.1' })).port}`
  keys = (await (await fetch(`${url}/.well-known/hither-keys`)).json()) as SealingKeys
  // What a process does once is no request's: the threads, the first of each kind of code.
  await asked(zeros(300_000))
})
afterAll(async () => {
  await beside.close()
  await fixture.close()
})

interface Asked {
  readonly head: Record<string, string>
  readonly body: Uint8Array
}

/** A request of so many zeros as binary data. */
function zeros(count: number, rest = ',"outputs":[{"name":"y","parameters":{"binary_data":true}}]'): Asked {
  const json = `{"inputs":[{"name":"x","datatype":"FP32","shape":[${count}],"parameters":{"binary_data_size":${4 * count}}}]${rest}}`
  return {
    head: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(json.length) },
    body: Buffer.concat([Buffer.from(json), Buffer.alloc(4 * count)]),
  }
}

/** Seals a request, sends it from another thread, watches, and opens the answer. */
async function asked(request: Asked) {
  const [key] = keys.keys
  if (key === undefined) throw new Error('no key')
  const { bytes, answer } = await sealRequest(request, key, { method: 'POST', path })
  const { headers, body } = await watched(() => beside.ask(`${url}${path}`, { 'Content-Type': sealedType }, bytes))
  expect(headers['content-type']).toBe(sealedType)
  return answer.open(body)
}

describe('a large sealed request leaves the event loop to others', () => {
  it('with binary data, there and back', async () => {
    const count = 15_000_000
    const { head, body } = await asked(zeros(count))
    expect(head.status).toBe(200)
    expect(body.length).toBeGreaterThan(4 * count)
  })

  it('packed before it was sealed', async () => {
    const count = 15_000_000
    const { head, body } = zeros(count)
    const packed = { head: { ...head, 'content-encoding': 'gzip' }, body: gzipSync(body, { level: 1 }) }
    expect((await asked(packed)).head.status).toBe(200)
  })

  it('with numbers as JSON, there and back', async () => {
    const count = 1_500_000
    const data = `${'0.5,'.repeat(count - 1)}0.5`
    const json = `{"inputs":[{"name":"x","datatype":"FP32","shape":[${count}],"data":[${data}]}]}`
    const { head, body } = await asked({ head: { 'content-type': 'application/json' }, body: Buffer.from(json) })
    expect(head.status).toBe(200)
    expect(body.length).toBeGreaterThan(4 * count)
  })

  it('with a refusal, sealed too', async () => {
    const json = `{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[${'{},'.repeat(5_000_000)}{}]}]}`
    const { head, body } = await asked({ head: { 'content-type': 'application/json' }, body: Buffer.from(json) })
    expect(head.status).toBe(400)
    expect(Buffer.from(body).toString()).toMatch(/an object in the data/)
  })
})
