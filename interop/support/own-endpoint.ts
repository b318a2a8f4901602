import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tensorTypes } from '../../src/contracts/tensor.ts'
import { createEndpoint } from '../../src/endpoint/create-endpoint.ts'
import { toDatatype } from '../../src/protocol/tensors/datatypes.ts'
import { loopOnnx, tinyOnnx } from '../../src/testing/tiny-onnx.ts'
import { writeModel } from '../../src/testing/write-model.ts'

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/**
 * A Hither endpoint for the clients of others: `digits`; `echo-KIND`, which gives its tensor back, for each datatype;
 * `sum`, which fails on rows that do not fit each other; `slow`, with room for few.
 */
export async function openOwnEndpoint(): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const modelsDir = await mkdtemp(join(tmpdir(), 'hither-interop-models-'))
  await cp(root('packages/hither-models/models/digits'), join(modelsDir, 'digits'), { recursive: true })
  for (const type of tensorTypes) {
    const value = (name: string) => [{ name, type, shape: [-1] }]
    const model = { inputs: value('x'), outputs: value('y') }
    const nodes = [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }]
    await writeModel(modelsDir, { name: `echo-${toDatatype(type)}`, ...model, graph: tinyOnnx({ ...model, nodes }) })
  }
  const rows = (name: string) => ({ name, type: 'float32' as const, shape: [-1, 2] })
  const sum = { inputs: [rows('a'), rows('b')], outputs: [rows('y')] }
  const nodes = [{ op: 'Add', inputs: ['a', 'b'], outputs: ['y'] }]
  await writeModel(modelsDir, { name: 'sum', ...sum, graph: tinyOnnx({ ...sum, nodes }) })
  const one = (name: string) => [{ name, type: 'float32' as const, shape: [1] }]
  await writeModel(modelsDir, { name: 'slow', inputs: one('x'), outputs: one('y'), graph: loopOnnx(300_000n) })
  const endpoint = await createEndpoint({
    modelsDir,
    workers: 1,
    maxQueue: 2,
    logger: false,
    workerUrl: new URL('../../packages/hither-endpoint/dist/endpoint/compute/infer-worker.js', import.meta.url),
  })
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      await endpoint.close()
      await rm(modelsDir, { recursive: true, force: true })
    },
  }
}
