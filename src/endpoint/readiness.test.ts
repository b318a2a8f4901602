import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'
import { writeModel } from '../testing/write-model.ts'
import { createEndpoint, type Endpoint } from './create-endpoint.ts'
import { openGateway } from './gateway/open-gateway.ts'

let fixture: EndpointFixture
let modelsDir: string
beforeAll(async () => {
  fixture = await openEndpointFixture()
  modelsDir = await mkdtemp(join(tmpdir(), 'hither-ready-'))
})
afterAll(async () => {
  await fixture.close()
  await rm(modelsDir, { recursive: true })
})

const rows = (name: string) => ({ name, type: 'float32' as const, shape: [-1, 2] })
const specs = { inputs: [rows('x')], outputs: [rows('y')] }
const graph = tinyOnnx({ ...specs, nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }] })
const ready = async ({ app }: Endpoint) => {
  const { statusCode, body } = await app.inject({ url: '/v2/health/ready' })
  expect(JSON.parse(body)).toEqual({ ready: statusCode === 200 })
  return statusCode
}

it('is ready while there is a model that it can run, and only then', async () => {
  const own = await fixture.open({ modelsDir, openRepository: true })
  const change = (what: string, name: string) =>
    own.app.inject({ method: 'POST', url: `/v2/repository/models/${name}/${what}` })
  expect(await ready(own)).toBe(503)
  expect((await own.app.inject({ url: '/v2/health/live' })).statusCode).toBe(200)

  const files = [{ path: 'model.onnx', bytes: 3, sha256: '0'.repeat(64) }]
  await writeModel(modelsDir, { name: 'liar', ...specs, graph: new Uint8Array(3), manifest: { files } })
  await own.reload()
  expect(await ready(own)).toBe(503)
  const refused = await fixture.open({ modelsDir })
  expect(await ready(refused)).toBe(503)

  await writeModel(modelsDir, { name: 'copy', ...specs, graph })
  await own.reload()
  expect(await ready(own)).toBe(200)
  expect((await change('unload', 'copy')).statusCode).toBe(200)
  expect(await ready(own)).toBe(503)
  expect((await change('load', 'copy')).statusCode).toBe(200)
  expect(await ready(own)).toBe(200)
})

it.each([
  ['a list of none', 200, '[]', 503],
  ['models of which none is loaded', 200, '[{"name":"copy","version":"1","state":"UNAVAILABLE"}]', 503],
  ['one that is loaded', 200, '[{"name":"copy","version":"1","state":"READY"}]', 200],
  ['no list of models', 404, '{}', 200],
  ['a list that can not be had now', 500, '{}', 200],
])('a gateway before an upstream that is ready and has %s', async (_, status, list, expected) => {
  const server = createServer((request, response) => {
    request.resume()
    if (request.url === '/v2/health/ready') response.end()
    else if (request.url === '/v2') response.end('{"name":"triton","version":"2","extensions":["model_repository"]}')
    else response.writeHead(status, { 'Content-Type': 'application/json' }).end(list)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const own = await createEndpoint({ ...(await openGateway({ upstreams: [url] })), logger: false })
  expect(await ready(own)).toBe(expected)
  await own.close()
  server.closeAllConnections()
  server.close()
})
