import { Readable } from 'node:stream'
import { CloudError } from '../../../errors/cloud-error.ts'

/** The events of one streamed answer: the last ones are kept, for a reader who comes back. */
export interface EventLog {
  /** Adds an event. @returns a promise while its reader can take no more; it resolves too when that one goes */
  add(id: number, text: string): Promise<void> | undefined
  /** Sends its reader a comment, which is no event: written to a connection that is gone, it makes that known. */
  comment(): void
  /** No more events come. */
  end(): void
  readonly ended: boolean
  /**
   * The events after one, those that are still to come included. The reader before is sent away: it has lost its
   * connection, or will be served no more.
   *
   * @param after id of the last event that the reader has; absent: it has none
   * @throws {CloudError} `cloud-refused` (410): the events that follow it are not kept any more
   */
  read(after?: number): Readable
}

/** Bytes that wait for a reader before the answer waits too. */
const aheadBytes = 16 * 1024

interface Reader {
  readonly stream: Readable
  readonly waiting: (() => void)[]
  isFull: boolean
  patience: NodeJS.Timeout | undefined
}

/**
 * @param options.keptBytes of events, in UTF-16 units; the last one is always kept
 * @param options.stallMs how long a reader may take nothing of what is there for it: it is sent away then
 * @param options.onLeft called when its reader has gone before the end
 */
export function createEventLog(options: {
  readonly keptBytes: number
  readonly stallMs: number
  readonly onLeft: () => void
}): EventLog {
  const { keptBytes, stallMs, onLeft } = options
  let events: { readonly id: number; readonly text: string }[] = []
  let bytes = 0
  let lastDropped = 0
  let ended = false
  let reader: Reader | undefined

  const keep = (id: number, text: string) => {
    events.push({ id, text })
    bytes += text.length
    let dropped = 0
    for (; bytes > keptBytes && dropped < events.length - 1; dropped += 1) {
      bytes -= events[dropped]?.text.length ?? 0
      lastDropped = events[dropped]?.id ?? lastDropped
    }
    if (dropped > 0) events = events.slice(dropped)
  }
  const goOn = (own: Reader) => {
    own.isFull = false
    clearTimeout(own.patience)
    for (const go of own.waiting.splice(0)) go()
  }
  const push = (own: Reader, text: string) => {
    if (own.stream.push(text) || own.isFull) return
    own.isFull = true
    own.patience = setTimeout(() => own.stream.destroy(), stallMs)
    own.patience.unref()
  }
  const leave = (own: Reader) => {
    goOn(own)
    if (reader !== own) return
    reader = undefined
    if (!ended) onLeft()
  }

  return {
    add(id, text) {
      keep(id, text)
      if (reader === undefined) return undefined
      const own = reader
      push(own, text)
      return own.isFull ? new Promise<void>((resolve) => own.waiting.push(resolve)) : undefined
    },
    comment() {
      if (!ended && reader !== undefined && !reader.isFull) push(reader, ':\n\n')
    },
    end() {
      ended = true
      reader?.stream.push(null)
    },
    get ended() {
      return ended
    },
    read(after = 0) {
      if (after < lastDropped) {
        throw new CloudError('cloud-refused', 'The events after this one are not kept any more; ask anew.', {
          context: { status: 410 },
        })
      }
      const before = reader
      const stream = new Readable({ highWaterMark: aheadBytes, read: () => goOn(own) })
      const own: Reader = { stream, waiting: [], isFull: false, patience: undefined }
      stream.once('close', () => leave(own))
      reader = own
      before?.stream.destroy()
      for (const { id, text } of events) if (id > after) push(own, text)
      if (ended) stream.push(null)
      return stream
    },
  }
}
