import { describe, expect, it } from 'vitest'
import { withBlobFallback } from './blob-fallback.ts'
import { createChunkStore } from './chunk-store.ts'
import { createMemoryStore } from './key-value-store.ts'

const sha256 = 'a'.repeat(64)

/** As WebKit has it in private windows; `refused` counts. */
function withoutBlobs() {
  const store = createMemoryStore()
  const seen = { refused: 0 }
  return {
    seen,
    store: {
      ...store,
      async set(key: string, value: unknown) {
        if (typeof value === 'object' && value !== null && Object.values(value).some((part) => part instanceof Blob)) {
          seen.refused += 1
          throw new DOMException('Error preparing Blob/File data to be stored in object store', 'UnknownError')
        }
        await store.set(key, value)
      },
    },
  }
}

describe('a browser that keeps no Blobs', () => {
  it('stores chunks as bytes and gives them back in every way', async () => {
    const { seen, store } = withoutBlobs()
    const chunks = createChunkStore(withBlobFallback(store))
    const first = await chunks.put(sha256, 0, Uint8Array.of(1, 2, 3))
    const second = await chunks.put(sha256, 1, Uint8Array.of(4, 5))
    expect((await chunks.get(sha256, 0))?.bytes).toEqual(Uint8Array.of(1, 2, 3))
    expect(await chunks.readAll(sha256, [first, second], 5)).toEqual({
      bytes: Uint8Array.of(1, 2, 3, 4, 5),
      damaged: [],
    })
    expect(await chunks.bytesOf(sha256)).toBe(5)
    // Asked once, not for each chunk of a large model.
    expect(seen.refused).toBe(1)
  })

  it('is not what a full or a broken storage is taken for', async () => {
    for (const name of ['QuotaExceededError', 'InvalidStateError']) {
      const broken = withBlobFallback({
        ...createMemoryStore(),
        set: () => Promise.reject(new DOMException('no', name)),
      })
      await expect(broken.set('a', { blob: new Blob(['x']) })).rejects.toMatchObject({ name })
    }
  })
})

it('a browser that keeps Blobs keeps them', async () => {
  const store = createMemoryStore()
  await withBlobFallback(store).set('a', { blob: new Blob(['x']), sha256 })
  expect(await store.get('a')).toMatchObject({ blob: expect.any(Blob), sha256 })
})
