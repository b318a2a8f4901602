import type { ModelFile } from '../../contracts/manifest.ts'
import type { WholeHash } from '../chunks/whole-hash.ts'
import { type ChunkWriter, createChunkWriter } from './chunk-writer.ts'
import type { FetchEnvironment } from './fetch-environment.ts'
import { createSegmentFetcher, type Lane } from './fetch-segment.ts'
import type { Mirrors } from './mirrors.ts'
import { cutSegments, type Segment, splitRuns } from './segments.ts'
import { isExpectedChunk, isPassingFault, wrongChunk } from './transfer-error.ts'
import type { TransferOptions } from './transfer-options.ts'
import { createTransferSlots } from './transfer-slots.ts'

export interface LanesOptions extends TransferOptions {
  readonly environment: FetchEnvironment
  readonly mirrors: Mirrors
  readonly whole: WholeHash
  /** Of the version that the stored chunks came from. */
  readonly etag: string | undefined
  readonly onStored: (index: number, sha256: string) => void
  /** Called after each piece that arrived. */
  readonly onPiece: () => void
  /** Drops all that is stored of the file, and its hash. */
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

/** A segment that waits for a connection; with its writer where an earlier connection broke inside a chunk. */
interface WaitingSegment {
  readonly segment: Segment
  readonly writer?: ChunkWriter
}

/** Cuts the runs into segments, so that each connection that stopped inside a chunk continues at its byte. */
function cutAtStopped(
  runs: readonly Segment[],
  stopped: readonly ChunkWriter[],
  chunkBytes: number,
  cut: Parameters<typeof cutSegments>[1],
): WaitingSegment[] {
  const chunkOf = ({ position }: ChunkWriter) => Math.floor(position / chunkBytes)
  return cutSegments(splitRuns(runs, stopped.map(chunkOf)), cut).map((segment) => {
    const writer = stopped.find((each) => chunkOf(each) === segment.next)
    return writer === undefined ? { segment } : { segment, writer }
  })
}

export function createTransferLanes(file: ModelFile, options: LanesOptions): TransferLanes {
  const { chunks, chunkBytes, whole, onStored } = options
  const { connections = defaultConnections, segmentBytes = defaultSegmentBytes } = options
  const { slots = createTransferSlots(), claim = { priority: 'waiting' } } = options
  const least = Math.max(1, Math.ceil(segmentBytes / chunkBytes))
  /** Connections that broke inside a chunk: they continue at their very byte. */
  let broken: Lane[] = []
  const active = new Set<Lane>()
  let onRanges = () => {}
  let onChunk = () => {}
  const fetcher = createSegmentFetcher(file, {
    ...options,
    async startOver() {
      broken = []
      await options.startOver()
    },
    isAlone: () => active.size === 1,
    mustYield: () => slots.mustYield(claim),
    onRanges: () => onRanges(),
    onChunk: () => onChunk(),
  })

  const writing = {
    chunks,
    file,
    chunkBytes,
    whole,
    onStored,
    check(at: number, sha256: string) {
      if (!isExpectedChunk(file, at, sha256)) throw wrongChunk(file, at)
    },
  }
  const toSegments = (runs: readonly Segment[]): WaitingSegment[] => {
    const stopped = broken.map(({ writer }) => writer)
    broken = []
    const cut = {
      connections: fetcher.ranges === false ? 1 : connections,
      least,
      most: Math.max(least, mostChunks),
    }
    return cutAtStopped(runs, stopped, chunkBytes, cut)
  }

  /** One connection: fetches waiting segments until none is left. */
  const work = async (waiting: WaitingSegment[], signal: AbortSignal) => {
    let own: ChunkWriter | undefined
    for (;;) {
      signal.throwIfAborted()
      const next = waiting.shift()
      if (next === undefined) return
      const give = await slots.take(claim, signal)
      own = next.writer ?? own ?? (await createChunkWriter(next.segment.next, writing))
      if (own !== next.writer) own.moveTo(next.segment.next)
      const lane: Lane = { segment: next.segment, writer: own }
      active.add(lane)
      try {
        const outcome = await fetcher.fetch(lane, signal)
        // It stopped between two chunks, so any writer can continue.
        if (outcome === 'yielded') waiting.unshift({ segment: lane.segment })
        // Without ranges the whole file came through this connection.
        if (fetcher.ranges !== true) waiting.length = 0
      } catch (error) {
        if (!lane.writer.isAtBoundary) broken.push(lane)
        throw error
      } finally {
        active.delete(lane)
        give()
      }
    }
  }

  return {
    heldBytes() {
      let held = 0
      for (const { writer } of [...active, ...broken]) held += writer.gatheredBytes
      return held
    },
    isAt: (position) => broken.some(({ writer }) => writer.hashedTo === position),

    async run(runs, signal, afterChunk) {
      const ending = new AbortController()
      const abort = () => ending.abort(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      let after: Promise<void> = Promise.resolve()
      onChunk = () => {
        after = after.then(afterChunk)
        // Its failure is handled where it is awaited, below.
        after.catch(() => {})
      }
      const waiting = toSegments(runs)
      const works = new Set<Promise<void>>()
      let failure: { readonly error: unknown } | undefined
      const start = () => {
        const own = work(waiting, ending.signal).catch((error: unknown) => {
          failure ??= { error }
          // The others finish their segments, unless their bytes are of no use.
          if (isPassingFault(error) && fetcher.ranges !== false) waiting.length = 0
          else ending.abort(error)
        })
        works.add(own)
        void own.then(() => works.delete(own))
      }
      let isOpen = false
      onRanges = () => {
        if (isOpen) return
        isOpen = true
        const more = Math.min(connections - 1, waiting.length)
        for (let lane = 0; lane < more; lane += 1) start()
      }
      try {
        start()
        if (fetcher.ranges === true) onRanges()
        while (works.size > 0) await Promise.all(works)
        await after
        if (failure !== undefined) throw failure.error
      } finally {
        signal.removeEventListener('abort', abort)
      }
    },
  }
}
