import { createSHA256, sha256 } from 'hash-wasm'

/** SHA-256 in lower-case hex. On the browser's own threads where the page is a secure context, else in WebAssembly. */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle
  if (subtle === undefined) return sha256(bytes)
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Bytes of a file that are read at a time. */
const readBytes = 4 * 1024 * 1024

/** The sha256 of a file, read piece by piece. @throws the signal's reason */
export async function sha256OfBlob(blob: Blob, signal?: AbortSignal): Promise<string> {
  const hasher = (await createSHA256()).init()
  for (let at = 0; at < blob.size; at += readBytes) {
    signal?.throwIfAborted()
    hasher.update(new Uint8Array(await blob.slice(at, at + readBytes).arrayBuffer()))
  }
  return hasher.digest()
}
