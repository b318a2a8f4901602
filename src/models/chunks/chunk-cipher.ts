import type { KeyValueStore } from './key-value-store.ts'
import type { Locks } from './locks.ts'

/** Bytes that AES-GCM adds to what it encrypts: its tag. */
export const cipherOverheadBytes = 16

/** Encrypts chunks at rest with AES-GCM; each chunk is bound to its place, so that two cannot be swapped. */
export interface ChunkCipher {
  encrypt(
    place: string,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<{ readonly iv: Uint8Array<ArrayBuffer>; readonly bytes: ArrayBuffer }>
  /** The bytes, or `undefined` when they are not what was encrypted, or the key is another one. */
  decrypt(place: string, iv: Uint8Array<ArrayBuffer>, bytes: ArrayBuffer): Promise<Uint8Array<ArrayBuffer> | undefined>
}

/** A new 96-bit IV for every chunk, as NIST SP 800-38D asks for (8.2.2: random IVs, at most 2^32 under one key). */
const ivBytes = 12

export function createChunkCipher(key: CryptoKey): ChunkCipher {
  const parametersOf = (place: string, iv: Uint8Array<ArrayBuffer>) => ({
    name: 'AES-GCM',
    iv,
    additionalData: new TextEncoder().encode(place),
  })
  return {
    async encrypt(place, bytes) {
      const iv = crypto.getRandomValues(new Uint8Array(ivBytes))
      return { iv, bytes: await crypto.subtle.encrypt(parametersOf(place, iv), key, bytes) }
    },
    async decrypt(place, iv, bytes) {
      try {
        return new Uint8Array(await crypto.subtle.decrypt(parametersOf(place, iv), key, bytes))
      } catch {
        return undefined
      }
    },
  }
}

const recordKey = 'key/chunks'
const isKey = (value: unknown): value is CryptoKey => typeof CryptoKey !== 'undefined' && value instanceof CryptoKey

/**
 * The key of this origin's chunks, made on first use: it can't be exported, not even by this page, only used.
 * `undefined` where the browser has no WebCrypto (a page without https).
 */
export async function openChunkKey(records: KeyValueStore, locks: Locks): Promise<CryptoKey | undefined> {
  if (globalThis.crypto?.subtle === undefined) return undefined
  return locks.hold('hither-chunk-key', async () => {
    const known = await records.get(recordKey)
    if (isKey(known)) return known
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
    await records.set(recordKey, key)
    return key
  })
}
