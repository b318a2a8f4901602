import type { ModelFile } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import type { WholeHash } from '../chunks/whole-hash.ts'
import { type ChunkWriter, createChunkWriter } from './chunk-writer.ts'
import type { FetchEnvironment } from './fetch-environment.ts'
import type { Mirrors } from './mirrors.ts'
import { requestBytes } from './request-bytes.ts'
import { cutSegments, type Segment, splitRuns } from './segments.ts'
import { isExpectedChunk, isPassingFault, passingFault, wrongChunk } from './transfer-error.ts'
import type { TransferOptions } from './transfer-options.ts'
import { createTransferSlots } from './transfer-slots.ts'

export interface LanesOptions extends TransferOptions {
  readonly environment: FetchEnvironment
  readonly mirrors: Mirrors
  readonly whole: WholeHash
  /** Of the version that the stored chunks came from. */
  readonly etag: string | undefined
  readonly onStored: (index: number, sha256: string) => void
  /** Told after each piece that arrived. */
  readonly onPiece: () => void
  /** Drops all that is stored of the file. */
  readonly startOver: () => Promise<void>
  readonly hasStored: () => boolean
}

/** The connections of one file. */
export interface TransferLanes {
  /** Fetches these runs of chunks. @param afterChunk called, one at a time, when something new is stored */
  run(runs: readonly Segment[], signal: AbortSignal, afterChunk: () => Promise<void>): Promise<void>
  /** Bytes that arrived and are not a chunk yet. */
  heldBytes(): number
  /** True when a connection that stopped will continue at this byte. */
  isAt(position: number): boolean
}

const defaultConnections = 4
const defaultSegmentBytes = 8 * 1024 * 1024
/** Chunks of one request at most, so that more urgent downloads need not wait long. */
const mostChunks = 8

interface Lane {
  readonly segment: Segment
  readonly writer: ChunkWriter
}

export function createTransferLanes(file: ModelFile, options: LanesOptions): TransferLanes {
  const { chunks, etags, chunkBytes, environment, mirrors, whole, onStored, onPiece, startOver, hasStored } = options
  const { connections = defaultConnections, segmentBytes = defaultSegmentBytes } = options
  const { slots = createTransferSlots(), claim = { priority: 'waiting' } } = options
  const least = Math.max(1, Math.ceil(segmentBytes / chunkBytes))
  let etag = options.etag
  let etagUrl = mirrors.current
  /** The server was seen to send the part it was asked for, or not to. */
  let ranges: boolean | undefined
  /** Connections that broke inside a chunk: they continue at their very byte. */
  let broken: Lane[] = []
  const active = new Set<Lane>()

  const newWriter = (index: number) =>
    createChunkWriter(index, {
      chunks,
      file,
      chunkBytes,
      whole,
      onStored,
      check: (at, sha256) => {
        if (!isExpectedChunk(file, at, sha256)) throw wrongChunk(file, at)
      },
    })

  /** Takes the whole file from its first byte on into this lane. */
  const takeWhole = async ({ writer, segment }: Lane) => {
    if (hasStored() || writer.position > 0) await startOver()
    broken = []
    writer.moveTo(0)
    segment.next = 0
    segment.end = Math.ceil(file.bytes / chunkBytes)
    whole.reset()
  }

  const fetchSegment = async (
    lane: Lane,
    signal: AbortSignal,
    on: { readonly ranges: () => void; readonly chunk: () => void },
  ): Promise<'done' | 'yielded'> => {
    const { segment, writer } = lane
    if (ranges === false && (writer.position > 0 || hasStored())) {
      await startOver()
      broken = []
      writer.moveTo(0)
      segment.end = Math.ceil(file.bytes / chunkBytes)
    }
    const url = mirrors.current
    const start = writer.position
    let end = Math.min(segment.end * chunkBytes, file.bytes)
    const known = etagUrl === url ? etag : undefined
    const request = { url, name: file.path, start, end, totalBytes: file.bytes, etag: known }
    const answer = await requestBytes(request, environment, signal)
    if (answer.kind === 'start-over') {
      ranges = false
      throw answer.error
    }
    if (answer.whole) {
      if (start > 0 || hasStored()) {
        // The others' bytes would be spliced into what comes now.
        if (active.size > 1) {
          ranges = false
          throw passingFault('download-failed', `The server stopped sending parts of ${file.path}.`)
        }
        await takeWhole(lane)
      }
      segment.end = Math.ceil(file.bytes / chunkBytes)
      end = file.bytes
    } else if (segment.end * chunkBytes < file.bytes || start > 0) ranges = true
    if (answer.etag !== known || etagUrl !== url) {
      etag = answer.etag
      etagUrl = url
      await etags?.set(file.sha256, url, etag)
    }
    if (ranges) on.ranges()
    for await (const piece of answer.pieces) {
      const room = end - writer.position
      const before = Math.floor(writer.position / chunkBytes)
      await writer.take(piece.byteLength > room ? piece.subarray(0, room) : piece)
      segment.next = Math.floor(writer.position / chunkBytes)
      if (segment.next > before) on.chunk()
      onPiece()
      if (piece.byteLength > room && end === file.bytes) {
        await startOver().catch(() => {})
        throw new ModelError(
          'download-wrong-size',
          `The server's ${file.path} is larger than the ${file.bytes} bytes its manifest promises, so it was refused.`,
        )
      }
      if (writer.position === end && end < file.bytes) return 'done'
      if (writer.isAtBoundary && writer.position < end && !answer.whole && slots.mustYield(claim)) return 'yielded'
    }
    if (writer.position < end) {
      const hint = answer.isPage ? ' It sent a web page: does this network ask you to sign in first?' : ''
      throw passingFault(
        'download-wrong-size',
        `The server ended ${file.path} after ${writer.position} of ${file.bytes} bytes.${hint}`,
      )
    }
    return 'done'
  }

  return {
    heldBytes() {
      let held = 0
      for (const { writer } of [...active, ...broken]) held += writer.gatheredBytes
      return held
    },
    isAt: (position) => broken.some(({ writer }) => writer.hashedTo === position),

    async run(runs, signal, afterChunk) {
      const inner = new AbortController()
      const abort = () => inner.abort(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      let after: Promise<void> = Promise.resolve()
      const chunkStored = () => {
        after = after.then(afterChunk)
        // Whoever waits for it below hears of its failure.
        after.catch(() => {})
      }
      // Where a connection stopped inside a chunk, the run that holds it continues at that byte.
      const waiting: { readonly segment: Segment; readonly writer?: ChunkWriter }[] = []
      const starts = broken.map(({ writer }) => Math.floor(writer.position / chunkBytes))
      for (const segment of cutSegments(splitRuns(runs, starts), {
        connections: ranges === false ? 1 : connections,
        least,
        most: Math.max(least, mostChunks),
      })) {
        const stopped = broken.find(({ writer }) => Math.floor(writer.position / chunkBytes) === segment.next)
        waiting.push(stopped === undefined ? { segment } : { segment, writer: stopped.writer })
      }
      broken = []

      const work = async () => {
        let own: ChunkWriter | undefined
        for (;;) {
          inner.signal.throwIfAborted()
          const next = waiting.shift()
          if (next === undefined) return
          const give = await slots.take(claim, inner.signal)
          own = next.writer ?? own ?? (await newWriter(next.segment.next))
          if (own !== next.writer) own.moveTo(next.segment.next)
          const lane: Lane = { segment: next.segment, writer: own }
          active.add(lane)
          try {
            const outcome = await fetchSegment(lane, inner.signal, { ranges: openLanes, chunk: chunkStored })
            // It stopped between two chunks: whoever continues needs nothing of this writer.
            if (outcome === 'yielded') waiting.unshift({ segment: lane.segment })
            // The whole file came through this one.
            if (ranges !== true) waiting.length = 0
          } catch (error) {
            if (!lane.writer.isAtBoundary) broken.push(lane)
            throw error
          } finally {
            active.delete(lane)
            give()
          }
        }
      }
      const works = new Set<Promise<void>>()
      let failure: { readonly error: unknown } | undefined
      const start = () => {
        const own = work().catch((error: unknown) => {
          failure ??= { error }
          // The others finish what they are fetching; only where their bytes are of no use are they ended.
          if (isPassingFault(error) && ranges !== false) waiting.length = 0
          else inner.abort(error)
        })
        works.add(own)
        void own.then(() => works.delete(own))
      }
      let areOpen = false
      const openLanes = () => {
        if (areOpen) return
        areOpen = true
        for (let lane = 1; lane < Math.min(connections, waiting.length + 1); lane += 1) start()
      }
      try {
        start()
        if (ranges === true) openLanes()
        while (works.size > 0) await Promise.all(works)
        await after
        if (failure !== undefined) throw failure.error
      } finally {
        signal.removeEventListener('abort', abort)
      }
    },
  }
}
