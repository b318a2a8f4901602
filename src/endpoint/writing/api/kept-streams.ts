import type { EventLog } from './event-log.ts'

/** A streamed answer, and whose it is. */
export interface KeptStream {
  readonly log: EventLog
  readonly model: string
  /** Subject of the token that it was asked for with; undefined where none was needed. */
  readonly client: string | undefined
}

/** The streamed answers that are being written, and for a while those that were, by their ids. */
export interface KeptStreams {
  add(id: string, stream: KeptStream): void
  find(id: string): KeptStream | undefined
  /** It has ended: it is kept for a while. */
  ended(id: string): void
  close(): void
}

/** Of those that have ended; the longest ended goes first. */
const mostEnded = 1_000

/** @param keptMs how long one is kept after its end */
export function createKeptStreams(keptMs: number): KeptStreams {
  const streams = new Map<string, KeptStream>()
  const ends = new Map<string, NodeJS.Timeout>()
  const forget = (id: string) => {
    clearTimeout(ends.get(id))
    ends.delete(id)
    streams.delete(id)
  }
  return {
    add: (id, stream) => void streams.set(id, stream),
    find: (id) => streams.get(id),
    ended(id) {
      ends.set(id, setTimeout(() => forget(id), keptMs).unref())
      const [oldest] = ends.keys()
      if (ends.size > mostEnded && oldest !== undefined) forget(oldest)
    },
    close() {
      for (const id of ends.keys()) forget(id)
    },
  }
}
