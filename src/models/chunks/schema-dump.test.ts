import { expect, test } from 'vitest'
import { createFakeFileServer, fakeBytes } from '../../testing/fake-file-server.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import newest from '../../testing/schemas/v1.json'
import { openModelStore } from '../store/model-store.ts'
import { createChunkStore } from './chunk-store.ts'
import { createMemoryStore, type KeyValueStore } from './key-value-store.ts'

const baseUrl = 'https://models.test/m/manifest.json'

/** Every value by its key, Blobs as base64: what the files of `src/testing/schemas` hold. */
async function dump(values: KeyValueStore): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for (const key of await values.keys()) {
    const value = (await values.get(key)) as { blob?: unknown }
    const { blob } = value
    found[key] =
      blob instanceof Blob ? { ...value, blob: Buffer.from(await blob.arrayBuffer()).toString('base64') } : value
  }
  return found
}

// When this fails, what this release writes is not what the newest dump holds. If that is meant, keep the old dump,
// add the new one beside it, and list both in released-schemas.browser.test.ts.
test('what is written now is what the newest dump holds', async () => {
  const server = createFakeFileServer({
    '/m/model.onnx': { bytes: fakeBytes(1_500, 1), etag: '"v1"' },
    '/m/weights.bin': fakeBytes(700, 2),
    '/m/half.onnx': { bytes: fakeBytes(2_500, 3), etag: '"half"' },
  })
  const [records, values] = [createMemoryStore(), createMemoryStore()]
  const store = await openModelStore({
    records: { ...records, persistent: true },
    chunks: { ...createChunkStore(values), persistent: true },
    locks: undefined,
    chunkBytes: 1_000,
    fetch: server.fetch,
    now: () => 1_780_000_000_000,
    sleep: async () => {},
  })
  const manifest = await fakeManifest({ 'model.onnx': fakeBytes(1_500, 1), 'weights.bin': fakeBytes(700, 2) })
  await store.install(manifest, baseUrl)
  await store.read(manifest)
  await store.notes.change('fake', { pinned: true })
  const half = await fakeManifest({ 'half.onnx': fakeBytes(2_500, 3) }, { name: 'half' })
  server.faults = [{ cutAt: 1_200 }]
  server.lastingFault = { status: 404 }
  await expect(store.install(half, baseUrl)).rejects.toMatchObject({ code: 'download-failed' })

  const held = Object.fromEntries(newest.databases.map(({ name, stores }) => [name, stores[0]?.values]))
  const now = { 'hither-records': await dump(records), 'hither-chunks': await dump(values) }
  expect(JSON.parse(JSON.stringify(now))).toEqual(held)
})
