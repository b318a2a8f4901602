import { beforeEach, describe, expect, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { adderGraph, openAddingFixture } from '../../testing/adding-fixture.ts'
import { fakeBytes } from '../../testing/fake-file-server.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'

const [one, two] = [adderGraph(1), adderGraph(2)]
const blob = (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes])
const { signal } = new AbortController()

let first: Awaited<ReturnType<typeof openAddingFixture>>
beforeEach(async () => {
  first = await openAddingFixture()
})
/** What the next visit finds, and frees. */
const nextVisit = async () => {
  const next = await openAddingFixture({ values: first.values })
  await next.freeUnlisted()
  return next
}
const left = async ({ store }: typeof first) => {
  const { models, totalBytes } = await store.usage()
  return [models.map(({ name }) => name).toSorted(), totalBytes]
}
const adopt = (manifest: Manifest, bytes: Uint8Array<ArrayBuffer>) =>
  first.store.adopt(
    manifest,
    '',
    manifest.files.map((file) => ({ file, blob: blob(bytes) })),
    { signal },
  )

describe('is freed at the next start', () => {
  test('a model whose tab was closed before it was listed', async () => {
    await adopt(await fakeManifest({ 'a.onnx': one }, { name: 'a' }), one)
    await first.addFile('b.onnx', two)
    expect(await left(await nextVisit())).toEqual([['b'], two.length])
  })

  test('a file whose tab was closed before the model was whole', async () => {
    await first.addFile('b.onnx', two)
    await first.chunks.put('f'.repeat(64), 0, one)
    expect(await left(await nextVisit())).toEqual([['b'], two.length])
  })

  test('a model whose tab was closed while it was removed', async () => {
    await first.addFile('a.onnx', one)
    await first.registry.forget('a')
    expect(await left(await nextVisit())).toEqual([[], 0])
  })

  test('a revision that another one of the same name has replaced', async () => {
    await first.addFile('a.onnx', one)
    const other = await fakeManifest({ 'a.onnx': two }, { name: 'a', revision: 'other' })
    await adopt(other, two)
    await first.registry.add(other, false)
    const next = await nextVisit()
    expect(await left(next)).toEqual([['a'], two.length])
    expect((await next.registry.manifest('a')).revision).toBe('other')
  })
})

describe('stays', () => {
  test('every model that a list shows, with the files that they share', async () => {
    await first.addFile('a.onnx', one)
    await first.addFile('b.onnx', one)
    await first.addFile('c.onnx', two)
    expect(await left(await nextVisit())).toEqual([['a', 'b', 'c'], one.length + two.length])
  })

  test('an older revision of a model of a catalogue, also of another page’s', async () => {
    await adopt(await fakeManifest({ 'a.onnx': one }, { name: 'elsewhere' }), one)
    await first.values.set('catalog/https://other.test/c.json', {
      format: 1,
      models: [{ name: 'elsewhere', revision: '9', manifest: 'm.json' }],
    })
    expect(await left(await nextVisit())).toEqual([['elsewhere'], one.length])
  })

  test('an unfinished download of a catalogue’s model', async () => {
    const bytes = fakeBytes(3_000)
    const manifest = await fakeManifest({ 'model.onnx': bytes }, { name: 'large' })
    await first.values.set('manifest/https://models.test/large.json', manifest)
    await first.chunks.put(manifest.files[0]?.sha256 ?? '', 0, bytes.slice(0, 1_000))
    expect(await left(await nextVisit())).toEqual([[], 1_000])
  })

  test('what a later release has written, and this one can’t read', async () => {
    await first.addFile('a.onnx', one)
    for (const key of await first.values.keys('note/')) {
      const note = await first.values.get(key)
      await first.values.set(key, { ...(note as object), added: { ...(note as { added: object }).added, manifest: 2 } })
    }
    await first.addFile('b.onnx', two)
    for (const key of await first.values.keys('model/b')) {
      await first.values.set(key, { ...((await first.values.get(key)) as object), format: 2 })
    }
    const { store } = await nextVisit()
    expect((await store.usage()).totalBytes).toBe(one.length + two.length)
  })

  test('what another tab is adding just now', async () => {
    const manifest = await fakeManifest({ 'a.onnx': one }, { name: 'a' })
    await first.store.holdName('a', async () => {
      await first.chunks.put('f'.repeat(64), 0, two)
      await adopt(manifest, one)
      // The same thread: the locks are shared.
      await first.freeUnlisted()
      expect(await left(first)).toEqual([['a'], one.length + two.length])
    })
    await first.freeUnlisted()
    expect(await left(first)).toEqual([[], 0])
  })
})
