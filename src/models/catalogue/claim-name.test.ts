import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adderGraph, openAddingFixture, rows } from '../../testing/adding-fixture.ts'
import { tinyOnnx } from '../../testing/tiny-onnx.ts'

type Fixture = Awaited<ReturnType<typeof openAddingFixture>>

/** Every added model by its name, with the bytes that its graph is read as. */
async function graphsOf({ registry, store }: Fixture) {
  const graphs: Record<string, Uint8Array | undefined> = {}
  for (const { name } of await registry.added()) {
    const manifest = await registry.manifest(name)
    graphs[name] = (await store.read(manifest)).get(manifest.graph)
  }
  return graphs
}
const [one, two, three] = [adderGraph(1), adderGraph(2), adderGraph(3)]
const bytesOf = async ({ store }: Fixture) => (await store.usage()).totalBytes

describe('files whose names come to the same word', () => {
  test.each([
    ['Chinese', '人脸.onnx', '车牌.onnx'],
    ['emoji', '😀.onnx', '🚗.onnx'],
    ['a hub calls every graph so', 'model.onnx', 'model.onnx'],
    ['letters with accents', 'é.onnx', 'è.onnx'],
    ['the very same name', 'faces.onnx', 'faces.onnx'],
  ])('%s: both are there, each with its own bytes', async (_, first, second) => {
    const fixture = await openAddingFixture()
    const { addFile, registry, store } = fixture
    const name = await addFile(first, one)
    await store.notes.change(name, { pinned: true })
    const other = await addFile(second, two)
    expect(await graphsOf(fixture)).toEqual({ [name]: one, [other]: two })
    expect((await registry.manifest(other)).title).toBe(second)
    expect(await bytesOf(fixture)).toBe(one.length + two.length)
  })

  test('the same bytes are the same model, whichever number it has, and are stored once', async () => {
    const fixture = await openAddingFixture()
    const { addFile } = fixture
    const names = [await addFile('人脸.onnx', one), await addFile('车牌.onnx', two), await addFile('犬.onnx', three)]
    expect(names).toEqual(['model', 'model-2', 'model-3'])
    expect(await addFile('车牌.onnx', two)).toBe('model-2')
    const gone = await fixture.registry.manifest('model')
    await fixture.registry.forget('model')
    await fixture.store.remove(gone)
    expect(await addFile('犬.onnx', three)).toBe('model-3')
    expect(await bytesOf(fixture)).toBe(two.length + three.length)
  })

  test('a long name has room for its number', async () => {
    const { addFile } = await openAddingFixture()
    const long = `${'a'.repeat(120)}.onnx`
    expect(await addFile(long, one)).toBe('a'.repeat(100))
    expect(await addFile(long, two)).toBe(`${'a'.repeat(98)}-2`)
  })

  test('two at once: neither takes the other’s place', async () => {
    const fixture = await openAddingFixture()
    const names = await Promise.all([one, two, three].map((bytes) => fixture.addFile('模型.onnx', bytes)))
    expect(new Set(names).size).toBe(3)
    expect(Object.values(await graphsOf(fixture)).toSorted()).toEqual([one, two, three].toSorted())
  })
})

describe('a name that was chosen', () => {
  test('and is taken by other bytes is refused, with one that is free; the model is as it was', async () => {
    const fixture = await openAddingFixture()
    const { addFile, registry } = fixture
    await addFile('a.onnx', one, { name: 'faces', title: 'first' })
    await addFile('b.onnx', three, { name: 'faces-2' })
    for (const facts of [{}, { name: 'faces' }]) {
      await expect(addFile('faces.onnx', two, facts)).rejects.toMatchObject({
        name: 'ValidationError',
        code: 'model-exists',
        context: { name: 'faces', free: 'faces-3' },
        message: expect.stringContaining('faces-3'),
      })
    }
    expect(await graphsOf(fixture)).toEqual({ faces: one, 'faces-2': three })
    expect((await registry.manifest('faces')).title).toBe('first')
    expect(await bytesOf(fixture)).toBe(one.length + three.length)
    expect(await addFile('faces.onnx', two, { name: 'faces-3' })).toBe('faces-3')
  })

  test('stays chosen when its bytes are given once more', async () => {
    const { addFile } = await openAddingFixture()
    await addFile('a.onnx', one, { name: 'faces' })
    expect(await addFile('faces.onnx', one)).toBe('faces')
    await expect(addFile('faces.onnx', two)).rejects.toMatchObject({ code: 'model-exists' })
    await addFile('b.onnx', one)
    await addFile('c.onnx', one, { name: 'b' })
    await expect(addFile('b.onnx', two)).rejects.toMatchObject({ code: 'model-exists' })
  })

  test('and is drawn from a vague one gets a number all the same', async () => {
    const { addFile } = await openAddingFixture()
    await addFile('a.onnx', one, { name: 'model' })
    expect(await addFile('人脸.onnx', two)).toBe('model-2')
  })

  test('with the same bytes is the same model; a title that is given is its title from then on', async () => {
    const fixture = await openAddingFixture()
    const { addFile, registry, store } = fixture
    await addFile('a.onnx', one, { name: 'faces', title: 'first' })
    await addFile('b.onnx', one, { name: 'faces' })
    expect((await registry.manifest('faces')).title).toBe('first')
    await addFile('b.onnx', one, { name: 'faces', title: 'second' })
    expect((await registry.manifest('faces')).title).toBe('second')
    expect((await store.usage()).models).toHaveLength(1)
  })

  test('the same graph with other weights is another model', async () => {
    const { add, registry } = await openAddingFixture()
    const withWeights = (value: number, name: string) =>
      add({
        name,
        files: [
          { name: 'net.onnx', blob: new Blob([adderGraph(0, 'w.bin')]) },
          { name: 'w.bin', blob: new Blob([new Float32Array([value])]) },
        ],
      })
    await withWeights(1, 'net')
    await expect(withWeights(2, 'net')).rejects.toMatchObject({ code: 'model-exists' })
    await withWeights(2, 'net-b')
    const revisions = (await registry.added()).map(({ revision }) => revision)
    expect(new Set(revisions).size).toBe(2)
  })
})

test('the same weights in each other’s place are another model', async () => {
  const { add, registry } = await openAddingFixture()
  const graph = tinyOnnx({
    inputs: [rows('x')],
    outputs: [rows('y')],
    nodes: [
      { op: 'Mul', inputs: ['x', 'a'], outputs: ['ax'] },
      { op: 'Add', inputs: ['ax', 'b'], outputs: ['y'] },
    ],
    initializers: ['a', 'b'].map((name) => ({
      name,
      type: 'float32' as const,
      dims: [1],
      data: new Float32Array(1),
      file: `${name}.bin`,
    })),
  })
  const addWith = (a: number, b: number) =>
    add({
      files: [
        { name: 'line.onnx', blob: new Blob([graph]) },
        { name: 'a.bin', blob: new Blob([Float32Array.of(a)]) },
        { name: 'b.bin', blob: new Blob([Float32Array.of(b)]) },
      ],
    })
  expect(await addWith(2, 3)).toBe('line')
  expect(await addWith(3, 2)).toBe('line-2')
  expect(await addWith(3, 2)).toBe('line-2')
  expect(new Set((await registry.added()).map(({ revision }) => revision)).size).toBe(2)
})

test('whatever is added under whatever names, no bytes that were there are lost', async () => {
  const file = fc.constantFrom('人.onnx', 'model.onnx', 'a.onnx', 'a b.onnx', 'a-b.onnx', 'taken.onnx', '.onnx')
  const step = fc.record({
    file,
    addend: fc.integer({ min: 1, max: 4 }),
    name: fc.option(fc.constantFrom('a', 'model')),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      const fixture = await openAddingFixture()
      let before = await graphsOf(fixture)
      for (const { file: given, addend, name } of steps) {
        const bytes = adderGraph(addend)
        const added = await fixture
          .addFile(given, bytes, name === null ? {} : { name })
          .catch((error: { code: string }) => expect(error.code).toBe('model-exists'))
        const after = await graphsOf(fixture)
        expect(after).toMatchObject(before)
        if (typeof added === 'string') expect(after[added]).toEqual(bytes)
        before = after
      }
    }),
    { numRuns: 30 },
  )
})

describe('an import', () => {
  const filesOf = (bytes: Uint8Array<ArrayBuffer>) => [{ path: 'a.onnx', blob: new Blob([bytes]) }]
  const manifestOf = async (bytes: Uint8Array<ArrayBuffer>) => {
    const { addFile, registry } = await openAddingFixture()
    return registry.manifest(await addFile('a.onnx', bytes))
  }

  test('of other bytes under a name that is taken is refused; the model is as it was', async () => {
    const fixture = await openAddingFixture()
    await fixture.addFile('a.onnx', one)
    const importing = fixture.import(await manifestOf(two), filesOf(two))
    await expect(importing).rejects.toMatchObject({ code: 'model-exists', context: { free: 'a-2' } })
    expect(await graphsOf(fixture)).toEqual({ a: one })
    expect(await bytesOf(fixture)).toBe(one.length)
  })

  test('of the same bytes under another revision is the same model, stored once', async () => {
    const fixture = await openAddingFixture()
    await fixture.addFile('a.onnx', one)
    await fixture.import({ ...(await manifestOf(one)), revision: 'mine' }, filesOf(one))
    expect((await fixture.store.usage()).models.map(({ revision }) => revision)).toEqual(['mine'])
    expect(await graphsOf(fixture)).toEqual({ a: one })
  })
})
