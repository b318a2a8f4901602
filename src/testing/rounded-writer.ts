import { convertGguf } from '../models/gguf/convert-gguf.ts'
import { blobSource } from '../models/onnx/byte-source.ts'
import { fakeManifest } from './fake-manifest.ts'
import { randomDecoder } from './random-decoder.ts'
import type { WriterFolder } from './write-writer.ts'

/** A small language model in 8 bits, as GGUF files are converted for the endpoint: with random weights, it writes nonsense. */
export async function roundedWriter(name: string): Promise<WriterFolder & { readonly graph: Uint8Array }> {
  const { bytes } = randomDecoder({ architecture: 'llama', metadata: { 'llama.context_length': 512 } })
  const { facts, files } = await convertGguf(blobSource(new Blob([bytes])))
  const read: Record<string, Uint8Array> = {}
  for (const { path, pieces } of files) {
    const parts: Uint8Array[] = []
    for await (const piece of pieces()) parts.push(piece)
    read[path] = Buffer.concat(parts)
  }
  const graph = read[facts.graph]
  if (graph === undefined) throw new Error('the model has no graph')
  return { manifest: await fakeManifest(read, { ...facts, name }), files: read, graph }
}
