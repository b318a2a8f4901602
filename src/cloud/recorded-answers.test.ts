import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TensorMap } from '../contracts/tensor.ts'
import { openRecordedServer, recordedServers } from '../testing/recorded-server.ts'
import { type CloudArm, createCloudArm } from './create-cloud-arm.ts'

const inputs: TensorMap = { image: { type: 'uint8', dims: [1, 1, 28, 28], data: new Uint8Array(784) } }
const x: TensorMap = { x: { type: 'float32', dims: [1], data: new Float32Array(1) } }

/** What the same all-black picture gives on every server, whatever way the numbers went. */
const blank = [0.0075, 0.4745, 0.0111, 0.0726, 0.0336, 0.0671, 0.0338, 0.121, 0.0387, 0.14]

const differences = {
  kserve: { binary: true, versions: [], failure: 'cloud-failed', nonsense: /valid list/ },
  mlserver: { binary: false, versions: [], failure: 'cloud-failed', nonsense: /valid list/ },
  triton: { binary: true, versions: ['1'], failure: 'cloud-failed', nonsense: /non-array/ },
} as const

describe.each(recordedServers)('what %s answered', (name) => {
  let server: Awaited<ReturnType<typeof openRecordedServer>>
  let cloud: CloudArm
  const expected = differences[name]
  beforeAll(async () => {
    server = await openRecordedServer(name)
    cloud = createCloudArm({ url: server.url })
  })
  afterAll(() => server.close())

  it('tells what it is and whether it takes binary tensors', async () => {
    expect(await cloud.facts()).toMatchObject({ kind: name, binary: expected.binary })
  })

  it('describes its model, and lists its models', async () => {
    expect(await cloud.describe('digits')).toMatchObject({
      name: 'digits',
      versions: expected.versions,
      inputs: [{ name: 'image', type: 'uint8', shape: [-1, 1, 28, 28] }],
      outputs: [{ name: 'probabilities', type: 'float32', shape: [-1, 10] }],
    })
    const listed = (await cloud.list())?.filter(({ ready }) => ready).map((model) => model.name)
    expect(listed?.sort()).toEqual(['digits', 'echo', 'fail', 'slow'])
  })

  it('tells which models it has', async () => {
    expect(await cloud.hasModel('digits')).toBe(true)
    expect(await cloud.hasModel('none')).toBe(false)
    await expect(cloud.describe('none')).rejects.toMatchObject({ code: 'cloud-model-missing' })
    await expect(cloud.run('none', x)).rejects.toMatchObject({ code: 'cloud-model-missing' })
  })

  it('is read, in the form that the server takes', async () => {
    const { outputs, responseBytes } = await cloud.run('digits', inputs, { id: 'recorded' })
    expect(outputs.probabilities).toMatchObject({ type: 'float32', dims: [1, 10] })
    const values = Array.from(outputs.probabilities?.data as Float32Array, (value) => Number(value.toFixed(4)))
    expect(values).toEqual(blank)
    const { headers } = server.answers[expected.binary ? 'inferBinary' : 'inferJson'] ?? {}
    if (headers?.['content-length'] !== undefined) expect(responseBytes).toBe(Number(headers['content-length']))
  })

  it('answers a ping without asking who it is', async () => {
    expect((await cloud.ping()).roundTripMs).toBeGreaterThan(0)
  })

  it('names what went wrong', async () => {
    server.replay('fails')
    await expect(cloud.run('fail', x)).rejects.toMatchObject({ code: expected.failure, context: { status: 500 } })
    server.replay('overload')
    await expect(cloud.run('slow', x)).rejects.toMatchObject({
      code: 'cloud-overloaded',
      context: { status: 503, reason: expect.stringMatching(/too many requests|maximum queue size/) },
    })
    server.replay('nonsense')
    await expect(cloud.run('digits', x)).rejects.toMatchObject({
      context: { reason: expect.stringMatching(expected.nonsense) },
    })
  })
})

it('KServe refuses any version with 501, which is no failure of the model', async () => {
  const server = await openRecordedServer('kserve')
  server.replay('versionReady')
  const run = createCloudArm({ url: server.url }).run('digits', inputs, { version: '1' })
  await expect(run).rejects.toMatchObject({ context: { status: 501, reason: 'Model versioning not supported yet.' } })
  server.close()
})
