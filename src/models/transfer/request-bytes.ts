import { isHitherError } from '../../errors/hither-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { abortable } from '../../utils/abortable.ts'
import { withDeadline } from '../../utils/with-deadline.ts'
import type { FetchEnvironment } from './fetch-environment.ts'
import { readPieces } from './read-pieces.ts'
import { passingFault } from './transfer-error.ts'

export interface BytesRequest {
  readonly url: string
  /** What is being fetched, for errors' sentences. */
  readonly name: string
  /** First byte wanted. */
  readonly start: number
  /** Byte after the last one wanted. */
  readonly end: number
  /** Size of the whole file, from the manifest. */
  readonly totalBytes: number
  /** The file's version that the bytes before `start` came from. */
  readonly etag: string | undefined
}

export type BytesAnswer =
  | {
      readonly kind: 'bytes'
      /** The server sent the whole file from its first byte on, whatever part it was asked for. */
      readonly whole: boolean
      /** The file's version, where the server says it and it can be told apart byte by byte. */
      readonly etag: string | undefined
      /** The server called the body a web page. */
      readonly isPage: boolean
      readonly pieces: AsyncIterable<Uint8Array>
    }
  /** The server's file is not the one that the first bytes came from, or the server cannot continue one. */
  | { readonly kind: 'start-over'; readonly error: ModelError }

/** A strong validator of the body as it was read: a weak one or one of a compressed body vouches for no byte range. */
function etagOf(response: Response): string | undefined {
  const etag = response.headers.get('ETag')
  return etag === null || etag.startsWith('W/') || response.headers.has('Content-Encoding') ? undefined : etag
}

/** Does a 206 hold what was asked for? Other origins may hide the header; the file's hash then has the last word. */
function isRangeAskedFor(response: Response, request: BytesRequest): boolean {
  const header = response.headers.get('Content-Range')
  if (header === null) return response.type === 'cors'
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header)
  return (
    match !== null &&
    Number(match[1]) === request.start &&
    Number(match[2]) >= request.start &&
    Number(match[2]) < request.totalBytes &&
    (match[3] === '*' || Number(match[3]) === request.totalBytes)
  )
}

/** No server may make a download wait for longer. */
const longestWaitMs = 60_000

/** What a busy server asks for: seconds only, as the other form rests on both clocks. */
function retryAfterMsOf(response: Response): number | undefined {
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN)
  return seconds >= 0 ? Math.min(seconds * 1000, longestWaitMs) : undefined
}

async function headersFor(request: BytesRequest, { origin, authorize }: FetchEnvironment): Promise<Headers> {
  const { start, end, totalBytes, etag, url } = request
  const headers = new Headers()
  const authorization = await authorize(url)
  if (authorization !== undefined) headers.set('Authorization', authorization)
  if (start === 0 && end === totalBytes) return headers
  headers.set('Range', `bytes=${start}-${end === totalBytes ? '' : end - 1}`)
  if (etag !== undefined && new URL(url).origin === origin) headers.set('If-Range', etag)
  return headers
}

/**
 * Asks for a file or a part of one.
 *
 * @throws {ModelError} `download-failed`; `context.retriable` says whether another try may help, `context.status`
 *   holds the server's status
 * @throws the signal's reason
 */
export async function requestBytes(
  request: BytesRequest,
  environment: FetchEnvironment,
  signal: AbortSignal | undefined,
): Promise<BytesAnswer> {
  const { url, name } = request
  let response: Response
  try {
    const seconds = Math.round(environment.firstByteMs / 1000)
    response = await withDeadline(
      async (limited) => {
        const headers = await headersFor(request, environment)
        return abortable(
          // The store is the cache: a second copy in the browser's would cost the space twice, and a refetch after a
          // wrong hash must not be answered from it.
          environment.fetch(url, { headers, cache: 'no-store', signal: limited }),
          limited,
        )
      },
      {
        ms: environment.firstByteMs,
        signal,
        timers: environment.timers,
        onDeadline: () =>
          passingFault('download-failed', `Could not download ${name}: no answer within ${seconds} seconds.`),
      },
    )
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (isHitherError(error)) throw error
    throw passingFault('download-failed', `Could not download ${name}: the server cannot be reached.`, { cause: error })
  }

  const { status } = response
  const startOver = (why: string): BytesAnswer => {
    response.body?.cancel().catch(() => {})
    return {
      kind: 'start-over',
      error: passingFault('download-failed', `Could not continue ${name}: ${why}.`, { status }),
    }
  }
  if (status === 416) return startOver('the server has no such part of it')
  if (status === 206) {
    if (!isRangeAskedFor(response, request)) return startOver('the server sent another part than the one asked for')
    const etag = etagOf(response)
    if (request.etag !== undefined && etag !== undefined && etag !== request.etag) {
      return startOver('the file on the server has changed')
    }
  } else if (status !== 200) {
    response.body?.cancel().catch(() => {})
    const message = `Could not download ${name}: the server answered ${status}.`
    if (status === 408 || status === 429 || status >= 500) {
      throw passingFault('download-failed', message, { status, retryAfterMs: retryAfterMsOf(response) })
    }
    throw new ModelError('download-failed', message, { context: { status } })
  }
  return {
    kind: 'bytes',
    whole: status === 200,
    etag: etagOf(response),
    isPage: response.headers.get('Content-Type')?.startsWith('text/html') === true,
    pieces: readPieces(response, name, environment, signal, url),
  }
}
