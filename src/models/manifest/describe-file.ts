import type { ModelFile } from '../../contracts/manifest.ts'

/** SHA-256, piece by piece; each platform has its own. */
export interface Hasher {
  update(bytes: Uint8Array): void
  /** In lower-case hex. */
  digest(): string
}

/** Describes a file for a manifest while its bytes go by, in order. */
export interface FileDescription {
  take(bytes: Uint8Array): void
  /** Once all were taken. */
  whole(): ModelFile
}

/** Bytes of a chunk that has a hash of its own, so that what is damaged is found and fetched again alone. */
const defaultChunkBytes = 8 * 1024 * 1024

/**
 * What a manifest says of a file: its size, its sha256, and those of its chunks where it has several.
 *
 * @param path as the manifest will name it
 */
export function describeFile(
  path: string,
  options: { readonly newHash: () => Hasher; readonly chunkBytes?: number },
): FileDescription {
  const { newHash, chunkBytes = defaultChunkBytes } = options
  const all = newHash()
  const chunks: string[] = []
  let chunk = newHash()
  let bytes = 0

  return {
    take(given) {
      all.update(given)
      let rest = given
      while (rest.length > 0) {
        const part = rest.subarray(0, chunkBytes - (bytes % chunkBytes))
        chunk.update(part)
        bytes += part.length
        rest = rest.subarray(part.length)
        if (bytes % chunkBytes === 0) {
          chunks.push(chunk.digest())
          chunk = newHash()
        }
      }
    },
    whole() {
      if (bytes % chunkBytes !== 0) chunks.push(chunk.digest())
      const file = { path, bytes, sha256: all.digest() }
      return chunks.length > 1 ? { ...file, chunks: { bytes: chunkBytes, sha256: chunks } } : file
    },
  }
}
