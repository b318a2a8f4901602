import { afterAll, beforeAll, expect, it } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'
import { writeModel } from '../testing/write-model.ts'

let fixture: EndpointFixture
beforeAll(async () => {
  fixture = await openEndpointFixture()
})
afterAll(() => fixture.close())

it.each([
  ['float64', 'FP64', 500],
  ['int64', 'INT64', 500],
  ['float32', 'FP32', 200],
] as const)('a graph that gives float32, of which the manifest says %s', async (type, datatype, status) => {
  const specs = {
    inputs: [{ name: 'x', type: 'float32' as const, shape: [2] }],
    outputs: [{ name: 'y', type: 'float32' as const, shape: [2] }],
  }
  const graph = tinyOnnx({ ...specs, nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }] })
  const outputs = [{ name: 'y', type, shape: [2] }]
  await writeModel(fixture.modelsDir, { name: `said-${type}`, graph, ...specs, outputs })
  const { app } = await fixture.open()
  const path = `/v2/models/said-${type}`
  expect((await app.inject({ url: path })).json().outputs).toMatchObject([{ name: 'y', datatype }])
  const payload = { inputs: [{ name: 'x', shape: [2], datatype: 'FP32', data: [1, 2] }] }
  const response = await app.inject({ method: 'POST', url: `${path}/infer`, payload })
  expect(response.statusCode).toBe(status)
  if (status === 200) expect(response.json().outputs).toMatchObject([{ name: 'y', datatype, data: [1, 2] }])
  else expect(response.json().error).toContain(`output y of said-${type} is float32, and its manifest says ${type}`)
})
