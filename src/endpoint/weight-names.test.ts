import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fileUrlsOf } from '../models/manifest/file-urls.ts'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'
import { writeModel } from '../testing/write-model.ts'
import type { Endpoint } from './create-endpoint.ts'

const row = (name: string) => ({ name, type: 'float32' as const, shape: [1] })
const specs = { inputs: [row('x')], outputs: [row('y')] }
const weights = new Uint8Array(new Float32Array([7]).buffer)
const fileOf = (path: string, bytes: Uint8Array) => ({
  path,
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
})
/** The file of weights, as the graph names it. */
const places = {
  chinese: ['权重.onnx.data', '权重.onnx.data'],
  blanks: ['my weights (1).bin', 'my weights (1).bin'],
  signs: ['layer#1 100%25?.bin', 'layer#1 100%25?.bin'],
  windows: ['parts/w.bin', '.\\parts\\w.bin'],
  separators: ['parts/w.bin', 'parts\\w.bin'],
  dot: ['w.bin', './w.bin'],
  colons: ['onnx::MatMul_1', 'onnx::MatMul_1'],
  drive: ['w.bin', 'C:w.bin'],
  escaped: ['%2e%2e/w.bin', '%2e%2e/w.bin'],
  blank: ['w.bin ', 'a/../w.bin '],
} as const

let fixture: EndpointFixture
let endpoint: Endpoint
beforeAll(async () => {
  fixture = await openEndpointFixture()
  for (const [name, [path, location]] of Object.entries(places)) {
    const c = { name: 'c', type: 'float32' as const, dims: [1], data: new Float32Array([7]), file: location }
    const nodes = [{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }]
    const graph = tinyOnnx({ ...specs, nodes, initializers: [c] })
    const files = [fileOf('model.onnx', graph), fileOf(path, weights)]
    await writeModel(fixture.modelsDir, { name, ...specs, graph, manifest: { files, externalData: [location] } })
    const target = join(fixture.modelsDir, name, 'r1', path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, weights)
  }
  endpoint = await fixture.open()
})
afterAll(() => fixture.close())

it.each(Object.entries(places))('weights with an ordinary name run, and come to browsers: %s', async (name, [path]) => {
  const { statusCode, body } = await endpoint.app.inject({
    method: 'POST',
    url: `/v2/models/${name}/infer`,
    payload: { inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1] }] },
  })
  expect([statusCode, JSON.parse(body).outputs?.[0]?.data]).toEqual([200, [8]])
  const [url = ''] = fileUrlsOf({ path }, `https://e.test/models/${name}/r1/manifest.json`)
  const file = await endpoint.app.inject({ url: new URL(url).pathname })
  expect(file.statusCode).toBe(200)
  expect(new Uint8Array(file.rawPayload)).toEqual(weights)
})
