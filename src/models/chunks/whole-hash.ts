import { createSHA256 } from 'hash-wasm'

/**
 * The sha256 of a whole file whose parts arrive out of order: it takes a part when it is the next one, and the rest
 * is read back from the store once the bytes before it are there.
 */
export interface WholeHash {
  /** Bytes hashed so far, from the file's first one. */
  readonly position: number
  /** Takes the part if it is the next one; ignores it if it is not. */
  offer(at: number, bytes: Uint8Array): void
  reset(): void
  digest(): string
}

export async function createWholeHash(): Promise<WholeHash> {
  const hasher = (await createSHA256()).init()
  let position = 0
  return {
    get position() {
      return position
    },
    offer(at, bytes) {
      if (at !== position) return
      hasher.update(bytes)
      position += bytes.byteLength
    },
    reset() {
      hasher.init()
      position = 0
    },
    digest: () => hasher.digest(),
  }
}
