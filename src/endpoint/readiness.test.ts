import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'
import { writeModel } from '../testing/write-model.ts'
import type { Endpoint } from './create-endpoint.ts'

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
