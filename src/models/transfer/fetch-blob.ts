import type { Progress } from '../../contracts/model-state.ts'
import { ModelError } from '../../errors/model-error.ts'
import { backoffMs } from '../../utils/backoff.ts'
import { decodePart } from '../../utils/decode-part.ts'
import { sleep } from '../../utils/sleep.ts'
import type { FetchEnvironment } from './fetch-environment.ts'
import { readPieces } from './read-pieces.ts'
import { isPassingFault, passingFault } from './transfer-error.ts'

const maxTries = 5

/**
 * Fetches a file of which neither size nor hash is known, into the browser's blob storage. A broken connection
 * continues where it stopped, as long as the server says that it is the same file.
 *
 * @throws {ModelError} `download-failed`, `download-wrong-size`
 * @throws the signal's reason
 */
export async function fetchBlob(
  url: string,
  options: {
    readonly environment: FetchEnvironment
    readonly signal: AbortSignal
    readonly onProgress?: ((progress: Progress) => void) | undefined
  },
): Promise<Blob> {
  const { environment, signal, onProgress } = options
  const name = decodePart(new URL(url).pathname.split('/').at(-1) || url)
  let parts: Blob[] = []
  let loaded = 0
  let etag: string | undefined
  for (let tries = 0; ; tries += 1) {
    try {
      const headers = new Headers()
      const authorization = await environment.authorize(url)
      if (authorization !== undefined) headers.set('Authorization', authorization)
      if (loaded > 0 && etag !== undefined) headers.set('Range', `bytes=${loaded}-`)
      const response = await environment.fetch(url, { headers, cache: 'no-store', signal }).catch((cause: unknown) => {
        signal.throwIfAborted()
        throw passingFault('download-failed', `Could not download ${name}: the server cannot be reached.`, { cause })
      })
      const { status } = response
      if (status !== 200 && status !== 206) {
        response.body?.cancel().catch(() => {})
        const message = `Could not download ${name}: the server answered ${status}.`
        throw status === 429 || status >= 500
          ? passingFault('download-failed', message, { status })
          : new ModelError('download-failed', message, { context: { status } })
      }
      const own = response.headers.get('ETag')
      if (status === 200 || own !== etag) {
        parts = []
        loaded = 0
        if (status === 206) {
          response.body?.cancel().catch(() => {})
          etag = undefined
          throw passingFault('download-failed', `${name} changed while it was downloaded.`)
        }
      }
      etag = own === null || own.startsWith('W/') ? undefined : own
      // Of a compressed body the length is of another thing than what is read.
      const length = response.headers.has('Content-Encoding')
        ? Number.NaN
        : Number(response.headers.get('Content-Length') ?? Number.NaN)
      const totalBytes = loaded + length
      for await (const piece of readPieces(response, name, environment, signal, url)) {
        parts.push(new Blob([new Uint8Array(piece)]))
        loaded += piece.byteLength
        if (loaded <= totalBytes) onProgress?.({ loadedBytes: loaded, totalBytes })
      }
      if (loaded < totalBytes) {
        throw passingFault('download-wrong-size', `The server ended ${name} after ${loaded} of ${totalBytes} bytes.`)
      }
      return new Blob(parts)
    } catch (error) {
      if (!isPassingFault(error) || tries + 1 >= maxTries) throw error
      await sleep(backoffMs(tries), signal, environment.timers)
    }
  }
}
