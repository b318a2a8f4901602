import { describe, expect, test } from 'vitest'
import { adderGraph, openAddingFixture } from '../../testing/adding-fixture.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'

type Fixture = Awaited<ReturnType<typeof openAddingFixture>>

const [one, two] = [adderGraph(1), adderGraph(2)]
const names = async ({ store }: Fixture) => (await store.usage()).models.map(({ name }) => name).toSorted()
const isWhole = async ({ registry, store }: Fixture, name: string) => {
  const manifest = await registry.manifest(name)
  return (await store.read(manifest)).get(manifest.graph)?.length
}

test('a model that was added from a file is never evicted: its bytes are nowhere else', async () => {
  const fixture = await openAddingFixture({ budgetBytes: one.length + two.length - 1 })
  await fixture.addFile('mine.onnx', one)
  await expect(fixture.addFile('second.onnx', two)).rejects.toMatchObject({ code: 'storage-full' })
  expect(await names(fixture)).toEqual(['mine'])
  expect(await isWhole(fixture, 'mine')).toBe(one.length)
})

test('a full device, met while a model’s bytes are given once more, leaves the model that has them whole', async () => {
  const fixture = await openAddingFixture({ chunkBytes: 16 })
  const manifest = await fixture.registry.manifest(await fixture.addFile('a.onnx', one))
  let writes = 0
  const put = fixture.chunks.put
  fixture.chunks.put = (...chunk) => {
    writes += 1
    if (writes === 3) throw new DOMException('full', 'QuotaExceededError')
    return put(...chunk)
  }
  await expect(fixture.addFile('b.onnx', one)).rejects.toMatchObject({ code: 'storage-full' })
  expect(await names(fixture)).toEqual(['a'])
  expect((await fixture.store.read(manifest)).get('a.onnx')).toEqual(one)
})

test('a file that two models share lies as the first one knows it', async () => {
  const before = await openAddingFixture({ chunkBytes: 16 })
  await before.addFile('a.onnx', one)
  // Another release cuts files into other chunks.
  const fixture = await openAddingFixture({ chunkBytes: 48, values: before.values })
  await fixture.addFile('b.onnx', one)
  expect(await isWhole(fixture, 'a')).toBe(one.length)
  expect(await isWhole(fixture, 'b')).toBe(one.length)
})

test('a model whose last twin is removed while it is added is stored all the same', async () => {
  const fixture = await openAddingFixture({ chunkBytes: 16 })
  const twin = await fixture.registry.manifest(await fixture.addFile('a.onnx', one))
  let writes = 0
  const put = fixture.chunks.put
  fixture.chunks.put = async (...chunk) => {
    writes += 1
    const sha256 = await put(...chunk)
    if (writes === 3) await fixture.store.remove(twin)
    return sha256
  }
  await fixture.addFile('b.onnx', one)
  expect(await isWhole(fixture, 'b')).toBe(one.length)
})

test('an add that fails frees what it wrote, and leaves the part of a download that had arrived', async () => {
  const fixture = await openAddingFixture({ chunkBytes: 16 })
  const { store, chunks } = fixture
  const { files } = await fakeManifest({ 'a.onnx': one })
  const put = chunks.put
  chunks.put = async (...chunk) => {
    if (chunk[1] === 2) throw new DOMException('full', 'QuotaExceededError')
    return put(...chunk)
  }
  await expect(fixture.addFile('a.onnx', one)).rejects.toMatchObject({ code: 'storage-full' })
  expect((await store.usage()).totalBytes).toBe(0)
  await put(files[0]?.sha256 ?? '', 0, one.slice(0, 16))
  await expect(fixture.addFile('a.onnx', one)).rejects.toMatchObject({ code: 'storage-full' })
  expect((await store.usage()).partialBytes).toBeGreaterThan(0)
})

describe('what is withdrawn', () => {
  test.each([
    ['by its name: a person’s own model of that name stays', { name: 'a' }, ['a']],
    ['in another revision: it stays', { name: 'a', revision: '1' }, ['a']],
  ])('%s', async (_, withdrawal, expected) => {
    const fixture = await openAddingFixture()
    await fixture.addFile('a.onnx', one)
    await fixture.withdrawn.set([withdrawal], true)
    await fixture.registry.purge()
    expect(await names(fixture)).toEqual(expected)
    expect(await isWhole(fixture, 'a')).toBe(one.length)
  })

  test('in the very revision that was imported: freed, and no list shows it', async () => {
    const fixture = await openAddingFixture()
    const manifest = await fakeManifest({ 'a.onnx': one }, { name: 'a', revision: 'r1' })
    await fixture.import(manifest, [{ path: 'a.onnx', blob: new Blob([one]) }])
    await fixture.withdrawn.set([{ name: 'a', revision: 'r1' }], true)
    await fixture.registry.purge()
    expect(await names(fixture)).toEqual([])
    expect(await fixture.registry.names()).toEqual(['taken'])
  })
})
