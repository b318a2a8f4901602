import type { FetchEnvironment } from './fetch-environment.ts'
import { type BytesRequest, requestBytes } from './request-bytes.ts'
import { passingFault } from './transfer-error.ts'

/**
 * Fetches one part of a file into memory, in one try. From a server that ignores ranges it takes the part out of the
 * whole file.
 *
 * @throws {ModelError} `download-failed`, `download-wrong-size`
 * @throws the signal's reason
 */
export async function fetchChunk(
  request: BytesRequest,
  environment: FetchEnvironment,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await requestBytes(request, environment, signal)
  if (answer.kind === 'start-over') throw answer.error
  const { start, end, name } = request
  const target = new Uint8Array(end - start)
  let at = answer.whole ? 0 : start
  for await (const piece of answer.pieces) {
    const from = Math.max(0, start - at)
    if (from < piece.byteLength) target.set(piece.subarray(from, end - at), at + from - start)
    at += piece.byteLength
    if (at >= end) return target
  }
  throw passingFault('download-wrong-size', `The server ended ${name} too early.`)
}
