// What the bench asks of the browser: the same bytes in the store, in the Cache API and in OPFS, and downloads.
import { createClient } from '../../src/index.ts'
import { createChunkStore, defaultChunkBytes } from '../../src/models/chunks/chunk-store.ts'
import { openKeyValueStore } from '../../src/models/chunks/open-key-value-store.ts'
import { sha256Hex } from '../../src/models/chunks/sha256.ts'
import { readModel } from '../../src/models/store/read-model.ts'
import { toFetchEnvironment } from '../../src/models/transfer/fetch-environment.ts'

const fileKey = 'f'.repeat(64)
const cacheUrl = '/bench-file'

/** Bytes that do not compress, as weights do not. */
function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count)
  for (let at = 0; at < count; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function openPeers(megabytes: number) {
  const content = randomBytes(megabytes * 1_000_000)
  const values = await openKeyValueStore({ name: 'bench-chunks', durability: 'relaxed' })
  const chunks = createChunkStore(values)
  const cache = await caches.open('bench')
  const root = await navigator.storage.getDirectory()
  const count = Math.ceil(content.length / defaultChunkBytes)
  const slices = Array.from({ length: count }, (_, index) =>
    content.subarray(index * defaultChunkBytes, (index + 1) * defaultChunkBytes),
  )
  const hashes = await Promise.all(slices.map((slice) => sha256Hex(slice)))
  const record = {
    format: 1 as const,
    name: 'bench',
    revision: '1',
    baseUrl: '',
    storedAtMs: 0,
    files: [{ path: 'f', bytes: content.length, sha256: fileKey, chunkBytes: defaultChunkBytes, chunks: hashes }],
  }
  const indexes = slices.map((_, index) => index)
  const reading = { chunks, environment: toFetchEnvironment({}) }

  const writeStore = async () => {
    for (const index of indexes) {
      const slice = slices[index]
      if (slice !== undefined) await chunks.put(fileKey, index, slice)
    }
  }
  /** The same reads as `readModel` does, without the hash. */
  const readUnhashed = async () => {
    const stored = (await values.getMany(indexes.map((index) => `${fileKey}/${index}`))) as { blob: Blob }[]
    return new Blob(stored.map(({ blob }) => blob)).arrayBuffer()
  }
  return {
    writes: {
      store: writeStore,
      cache: () => cache.put(cacheUrl, new Response(content)),
      opfs: async () => {
        const file = await (await root.getFileHandle('bench', { create: true })).createWritable()
        await file.write(content)
        await file.close()
      },
    },
    reads: {
      storeUnhashed: readUnhashed,
      store: () => readModel(record, reading),
      cache: async () => (await cache.match(cacheUrl))?.arrayBuffer(),
      opfs: async () => (await (await root.getFileHandle('bench')).getFile()).arrayBuffer(),
    },
    async remove() {
      await chunks.remove(fileKey)
      await caches.delete('bench')
      await root.removeEntry('bench')
    },
  }
}

let peers: Awaited<ReturnType<typeof openPeers>> | undefined

const bench = {
  async open(megabytes: number) {
    peers = await openPeers(megabytes)
  },
  /** One round, in this order; the next one begins with another. */
  async round(kind: 'writes' | 'reads', first: number): Promise<Record<string, number>> {
    if (peers === undefined) throw new Error('not open')
    const works = Object.entries<() => Promise<unknown>>(peers[kind])
    const figures: Record<string, number> = {}
    for (let step = 0; step < works.length; step += 1) {
      const [name, work] = works[(first + step) % works.length] ?? ['', async () => {}]
      figures[name] = await timed(work)
    }
    return figures
  },
  async close() {
    await peers?.remove()
    peers = undefined
  },
  async download(model: string, tries: number): Promise<string[]> {
    const client = createClient()
    const outcomes: string[] = []
    for (let attempt = 0; attempt < tries; attempt += 1) {
      outcomes.push(
        await client.models.download(model).then(
          () => 'stored',
          (error: unknown) => String(error),
        ),
      )
      if (outcomes.at(-1) === 'stored') break
    }
    await client.close()
    return outcomes
  },
  async verify(model: string) {
    const client = createClient()
    const startedAt = performance.now()
    const report = await client.models.verify(model)
    const ms = performance.now() - startedAt
    await client.close()
    return { ...report, ms }
  },
  /** Asks Transformers.js for a repository's model until its file is whole, as a person would by trying again. */
  async transformers(repository: string, origin: string, tries: number): Promise<string[]> {
    const { AutoModel, env } = await import('@huggingface/transformers')
    env.remoteHost = origin
    env.allowLocalModels = false
    const { wasm } = env.backends.onnx
    if (wasm) wasm.wasmPaths = '/node_modules/onnxruntime-web/dist/'
    const outcomes: string[] = []
    for (let attempt = 0; attempt < tries; attempt += 1) {
      const outcome = await AutoModel.from_pretrained(repository, { dtype: 'fp32', device: 'wasm' }).then(
        () => 'loaded',
        (error: unknown) => String(error).slice(0, 200),
      )
      outcomes.push(outcome)
      if (outcome === 'loaded') break
    }
    return outcomes
  },
}
export type BenchPage = typeof bench
Object.assign(globalThis, { bench })
