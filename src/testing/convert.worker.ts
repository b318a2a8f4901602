// Converts a GGUF file in a worker, as a page would that has been given one.
import { type ConvertOptions, convertGguf } from '../models/gguf/convert-gguf.ts'
import { blobSource } from '../models/onnx/byte-source.ts'

self.onmessage = async ({ data: [file, options] }: MessageEvent<[Blob, ConvertOptions]>) => {
  const { files, facts } = await convertGguf(blobSource(file), options)
  const written: Record<string, Uint8Array> = {}
  for (const { path, pieces } of files) {
    const parts: BlobPart[] = []
    for await (const piece of pieces()) parts.push(piece as BlobPart)
    written[path] = new Uint8Array(await new Blob(parts).arrayBuffer())
  }
  self.postMessage({ files: written, facts })
}
