import { sha256 } from 'hash-wasm'
import type { ModelFile } from '../contracts/manifest.ts'
import type { Progress } from '../contracts/model-state.ts'
import { type ChunkStore, createChunkStore } from '../models/chunks/chunk-store.ts'
import { createEtags } from '../models/chunks/etags.ts'
import { createMemoryStore, type KeyValueStore } from '../models/chunks/key-value-store.ts'
import { type DownloadOptions, downloadFile } from '../models/transfer/download-file.ts'
import { createFakeFileServer, fakeBytes } from './fake-file-server.ts'
import { createManualTimers } from './manual-timers.ts'

/** Where the file below is. */
export const url = 'https://models.test/m/graph.onnx'
export const content = fakeBytes(4_500)
export const file: ModelFile = { path: 'graph.onnx', bytes: content.byteLength, sha256: await sha256(content) }

/** A file server, a store, and a download from one to the other in chunks of 1,000 bytes. Nothing waits. */
export function setUp(options: { store?: KeyValueStore; bytes?: Uint8Array<ArrayBuffer>; etag?: string } = {}) {
  const bytes = options.bytes ?? content
  const server = createFakeFileServer({ '/m/graph.onnx': { bytes, ...(options.etag ? { etag: options.etag } : {}) } })
  const timers = createManualTimers()
  server.onSilence = () => timers.fireAll()
  const chunks = createChunkStore(options.store ?? createMemoryStore())
  const waits: number[] = []
  const progress: Progress[] = []
  const environment: DownloadOptions = {
    chunks,
    etags: createEtags(createMemoryStore()),
    chunkBytes: 1_000,
    fetch: server.fetch,
    timers,
    origin: 'https://models.test',
    random: () => 1,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      waits.push(ms)
    },
    onProgress: (report) => progress.push(report),
  }
  const download = (changes: Partial<DownloadOptions> = {}) => downloadFile(file, [url], { ...environment, ...changes })
  const ranges = () => server.requests.map((request) => request.range)
  return { server, timers, chunks, waits, progress, download, ranges }
}

/** The stored bytes of the file, in order. */
export async function bytesIn(chunks: ChunkStore, length = file.bytes): Promise<Uint8Array> {
  const target = new Uint8Array(length)
  let at = 0
  for (const index of [...(await chunks.indexes(file.sha256))].sort((a, b) => a - b)) {
    const chunk = await chunks.get(file.sha256, index)
    target.set(chunk?.bytes ?? [], at)
    at += chunk?.bytes.byteLength ?? 0
  }
  return target.subarray(0, at)
}
