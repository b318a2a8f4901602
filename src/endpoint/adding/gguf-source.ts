import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { ConfigError } from '../../errors/config-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import type { ByteSource } from '../../models/onnx/byte-source.ts'

/** A file that is read here and there. */
export interface OpenFile extends ByteSource {
  close(): Promise<void>
}

/** @throws {ConfigError} `config-invalid`: it can't be opened */
export async function openFile(path: string): Promise<OpenFile> {
  let handle: FileHandle
  let size: number
  try {
    handle = await open(path)
    const facts = await handle.stat()
    size = facts.size
    if (!facts.isFile()) {
      await handle.close()
      throw new Error('it is no file')
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'it is not there' : (code ?? message)
    throw new ConfigError('config-invalid', `${path} can't be read: ${why}.`, { cause })
  }
  return {
    size,
    async read(start, end) {
      const bytes = new Uint8Array(Math.max(0, end - start))
      let at = 0
      while (at < bytes.length) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at)
        if (bytesRead === 0) break
        at += bytesRead
      }
      return bytes.subarray(0, at)
    },
    close: () => handle.close(),
  }
}

export const isAddress = (source: string): boolean => /^https?:\/\//i.test(source)

/** The last part of a path or an address, without `.gguf`. */
export function nameOf(source: string): string {
  const path = isAddress(source) ? decodeURIComponent(new URL(source).pathname) : source
  const last = path.split(/[\\/]/).findLast((part) => part !== '') ?? ''
  return last.replace(/\.gguf$/i, '')
}

/**
 * Downloads a file to `path`.
 *
 * @throws {ModelError} `download-failed`: the server gave something else, or not all of it; `storage-full`
 * @throws the signal's reason
 */
export async function download(
  address: string,
  path: string,
  options: {
    readonly fetch: typeof fetch
    readonly signal: AbortSignal
    readonly onBytes: (bytes: number, of: number) => void
  },
): Promise<void> {
  const { signal, onBytes } = options
  const failed = (why: string, cause?: unknown) =>
    new ModelError('download-failed', `${address} could not be downloaded: ${why}.`, { cause })
  let response: Response
  try {
    response = await options.fetch(address, { signal })
  } catch (cause) {
    signal.throwIfAborted()
    throw failed('the server does not answer', cause)
  }
  if (!response.ok || response.body === null) throw failed(`the server answers ${response.status}`)
  const stated = Number(response.headers.get('content-length') ?? Number.NaN)
  // A compressed answer's length is not the file's.
  const expected = response.headers.has('content-encoding') ? Number.NaN : stated
  const file = createWriteStream(path)
  const broken = once(file, 'error').then(([cause]) => {
    throw cause
  })
  broken.catch(() => {})
  let bytes = 0
  const reader = response.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        signal.throwIfAborted()
        throw failed('the connection broke', cause)
      })
      if (done) break
      bytes += value.length
      onBytes(bytes, expected)
      if (!file.write(value)) await Promise.race([once(file, 'drain'), broken])
    }
    file.end()
    await Promise.race([once(file, 'finish'), broken])
  } finally {
    reader.cancel().catch(() => {})
    file.destroy()
  }
  if (Number.isFinite(expected) && bytes !== expected) throw failed(`it gave ${bytes} of ${expected} bytes`)
}
