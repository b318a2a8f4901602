import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openAddingFixture } from '../../testing/adding-fixture.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { openHubServer } from '../../testing/hub-server.ts'
import { outsideBytes, outsideFile, type PlacedModel, placedModels } from '../../testing/outside-weights.ts'
import { tinyOnnx } from '../../testing/tiny-onnx.ts'

type Fixture = Awaited<ReturnType<typeof openAddingFixture>>

/** Added, or refused with the reason, and nothing stored. */
async function expectOutcome({ store, registry }: Fixture, adding: Promise<string>, problem: string | undefined) {
  if (problem === undefined) {
    expect(await adding).toBe('net')
    expect(await registry.names()).toEqual(['taken', 'net'])
    return
  }
  const error = await adding.catch((refusal: unknown) => refusal)
  expect(error).toMatchObject({ name: 'ModelError', code: expect.stringMatching(/^onnx-/) })
  expect(error).toMatchObject({ message: expect.stringContaining(problem) })
  expect(error).toMatchObject({ message: expect.stringContaining(outsideFile) })
  expect(await registry.names()).toEqual(['taken'])
  expect((await store.usage()).totalBytes).toBe(0)
}

test.each(placedModels)('files: weights at $what', async ({ graph, bytes, problem }) => {
  const fixture = await openAddingFixture()
  const files = [
    { name: 'net.onnx', blob: new Blob([graph]) },
    { name: outsideFile, blob: new Blob([bytes]) },
  ]
  await expectOutcome(fixture, fixture.add({ files }), problem)
})

test.each(placedModels)('an address: weights at $what', async ({ graph, bytes, problem }) => {
  const fixture = await openAddingFixture()
  fixture.server.files.set('/a/net.onnx', { bytes: graph })
  fixture.server.files.set(`/a/${outsideFile}`, { bytes })
  await expectOutcome(fixture, fixture.add({ url: 'https://models.test/a/net.onnx' }), problem)
})

describe('a hub', () => {
  let model: PlacedModel
  let hub: Awaited<ReturnType<typeof openHubServer>>
  beforeEach(async () => {
    const cut = placedModels.find(({ what }) => what === 'a file that was cut')
    if (cut === undefined) expect.unreachable()
    model = cut
    hub = await openHubServer('owner/cut', {
      'onnx/model.onnx': model.graph,
      [`onnx/${outsideFile}`]: model.bytes,
    })
  })
  afterEach(() => hub.close())

  test('whose file was cut', async () => {
    const fixture = await openAddingFixture()
    await expectOutcome(fixture, fixture.add({ url: `${hub.origin}/owner/cut` }), model.problem)
  })
})

test('the file, its bytes and those that the graph needs are said, over all weights in it', async () => {
  const part = (name: string, offset: string) => ({
    name,
    type: 'float32' as const,
    dims: [4],
    data: new Float32Array(4),
    file: outsideFile,
    offset,
  })
  const graph = tinyOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: [4] }],
    outputs: [{ name: 'y', type: 'float32', shape: [4] }],
    nodes: [{ op: 'Sum', inputs: ['x', 'a', 'b', 'c'], outputs: ['y'] }],
    initializers: [part('a', '0'), part('b', '16'), part('c', '32')],
  })
  const { add } = await openAddingFixture()
  const files = [
    { name: 'net.onnx', blob: new Blob([graph]) },
    { name: outsideFile, blob: new Blob([new Uint8Array(20)]) },
  ]
  await expect(add({ files })).rejects.toMatchObject({
    message: expect.stringContaining(
      `“${outsideFile}” has 20 bytes, and the graph needs 48 of it: its weights "b" lie at bytes 16 to 32.`,
    ),
    context: { file: outsideFile, weights: 'b', bytes: 20, neededBytes: 48 },
  })
})

describe('an import', () => {
  const importing = async ({ graph, bytes }: Pick<PlacedModel, 'graph' | 'bytes'>, externalData?: string[]) => {
    const files = { 'net.onnx': graph, [outsideFile]: bytes }
    const manifest = await fakeManifest(files, { name: 'net', graph: 'net.onnx', externalData })
    const fixture = await openAddingFixture()
    const given = Object.entries(files).map(([path, content]) => ({ path, blob: new Blob([content]) }))
    return { fixture, imported: fixture.import(manifest, given) }
  }

  test.each(placedModels.filter(({ what }) => !what.endsWith('nowhere')))('weights at $what', async (model) => {
    const { fixture, imported } = await importing(model, [outsideFile])
    if (model.problem === undefined) {
      expect(await imported).toBe('net')
      return
    }
    await expect(imported).rejects.toMatchObject({
      code: 'import-invalid',
      message: expect.stringContaining(model.problem),
    })
    expect((await fixture.store.usage()).totalBytes).toBe(0)
  })

  test('of a manifest that does not name the file of the weights', async () => {
    const [model] = placedModels
    if (model === undefined) expect.unreachable()
    const { fixture, imported } = await importing({ graph: model.graph, bytes: outsideBytes() })
    await expect(imported).rejects.toMatchObject({
      code: 'import-invalid',
      message: expect.stringContaining(`“${outsideFile}”, which "externalData"`),
    })
    expect((await fixture.store.usage()).totalBytes).toBe(0)
  })
})
