import type { ModelFile } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { chunkCount } from '../chunks/stored-file.ts'
import type { ChunkWriter } from './chunk-writer.ts'
import type { FetchEnvironment } from './fetch-environment.ts'
import type { Mirrors } from './mirrors.ts'
import { type BytesAnswer, requestBytes } from './request-bytes.ts'
import type { Segment } from './segments.ts'
import { passingFault } from './transfer-error.ts'
import type { TransferOptions } from './transfer-options.ts'

/** A connection: the chunks that it fetches, and what writes them. */
export interface Lane {
  readonly segment: Segment
  readonly writer: ChunkWriter
}

/** Fetches the segments of one file, and learns what its server can do. */
export interface SegmentFetcher {
  /** Does the server send the part that it is asked for? Undefined until an answer has shown it. */
  readonly ranges: boolean | undefined
  /**
   * Fetches the lane's segment, or the whole file where the server sends nothing else.
   *
   * @returns `yielded`: it stopped between two chunks, so that a more urgent download gets the connection
   * @throws {ModelError} `download-failed`, `download-wrong-size`, `download-wrong-hash`
   * @throws the signal's reason
   */
  fetch(lane: Lane, signal: AbortSignal): Promise<'done' | 'yielded'>
}

export interface SegmentFetcherOptions extends Pick<TransferOptions, 'chunkBytes' | 'etags'> {
  readonly environment: FetchEnvironment
  readonly mirrors: Mirrors
  /** Of the version that the stored chunks came from. */
  readonly etag: string | undefined
  readonly hasStored: () => boolean
  /** Drops all that is stored of the file, and its hash. */
  readonly startOver: () => Promise<void>
  /** Is this lane the only one that fetches now? */
  readonly isAlone: () => boolean
  readonly mustYield: () => boolean
  /** Called when the server turned out to send parts. */
  readonly onRanges: () => void
  /** Called after each piece that arrived, and whenever a chunk was stored. */
  readonly onPiece: () => void
  readonly onChunk: () => void
}

export function createSegmentFetcher(file: ModelFile, options: SegmentFetcherOptions): SegmentFetcher {
  const { chunkBytes, etags, environment, mirrors, hasStored, startOver, isAlone, mustYield } = options
  const { onRanges, onPiece, onChunk } = options
  const count = chunkCount(file.bytes, chunkBytes)
  let version = { url: mirrors.current, etag: options.etag }
  let ranges: boolean | undefined

  /** Takes the whole file from its first byte on into this lane. */
  const takeWhole = async ({ writer, segment }: Lane) => {
    if (hasStored() || writer.position > 0) await startOver()
    writer.moveTo(0)
    segment.next = 0
    segment.end = count
  }

  /** Asks for what the lane lacks, and makes the lane fit what the server sends instead. */
  const ask = async (lane: Lane, signal: AbortSignal) => {
    const { segment, writer } = lane
    if (ranges === false) await takeWhole(lane)
    const url = mirrors.current
    const start = writer.position
    const end = Math.min(segment.end * chunkBytes, file.bytes)
    const etag = version.url === url ? version.etag : undefined
    const request = { url, name: file.path, start, end, totalBytes: file.bytes, etag }
    const answer = await requestBytes(request, environment, signal)
    if (answer.kind === 'start-over') {
      ranges = false
      throw answer.error
    }
    if (answer.whole) {
      if (start > 0 || hasStored()) {
        // The other lanes' bytes would be spliced into this whole file.
        if (!isAlone()) {
          ranges = false
          throw passingFault('download-failed', `The server stopped sending parts of ${file.path}.`)
        }
        await takeWhole(lane)
      }
      segment.end = count
    } else if (end < file.bytes || start > 0) ranges = true
    if (answer.etag !== etag || version.url !== url) {
      version = { url, etag: answer.etag }
      await etags?.set(file.sha256, url, answer.etag)
    }
    if (ranges) onRanges()
    return answer
  }

  const takePieces = async ({ segment, writer }: Lane, answer: Extract<BytesAnswer, { readonly kind: 'bytes' }>) => {
    const end = Math.min(segment.end * chunkBytes, file.bytes)
    for await (const piece of answer.pieces) {
      const room = end - writer.position
      const before = Math.floor(writer.position / chunkBytes)
      await writer.take(piece.byteLength > room ? piece.subarray(0, room) : piece)
      segment.next = Math.floor(writer.position / chunkBytes)
      if (segment.next > before) onChunk()
      onPiece()
      if (piece.byteLength > room && end === file.bytes) {
        await startOver().catch(() => {})
        throw new ModelError(
          'download-wrong-size',
          `The server's ${file.path} is larger than the ${file.bytes} bytes its manifest promises, so it was refused.`,
        )
      }
      if (writer.position === end && end < file.bytes) return 'done'
      if (writer.isAtBoundary && writer.position < end && !answer.whole && mustYield()) return 'yielded'
    }
    if (writer.position === end) return 'done'
    const hint = answer.isPage ? ' It sent a web page: does this network ask you to sign in first?' : ''
    throw passingFault(
      'download-wrong-size',
      `The server ended ${file.path} after ${writer.position} of ${file.bytes} bytes.${hint}`,
    )
  }

  return {
    get ranges() {
      return ranges
    },
    fetch: async (lane, signal) => takePieces(lane, await ask(lane, signal)),
  }
}
