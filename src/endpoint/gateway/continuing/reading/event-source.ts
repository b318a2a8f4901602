import { createEventReader, type StreamEvent } from '../../../../protocol/text-server/event-reader.ts'
import type { Timers } from '../../../../utils/with-deadline.ts'

/** One event of a stream, as it came. */
export interface SourceEvent {
  /** Its bytes, the blank line behind it included. */
  readonly bytes: Buffer
  /** Undefined for what says nothing: a comment, a blank line, or an event that is too long to be read. */
  readonly event: StreamEvent | undefined
  readonly isLong: boolean
}

/** Nothing came for too long. */
export class Stall extends Error {
  override readonly name = 'Stall'
  readonly silentMs: number
  constructor(silentMs: number) {
    super(`the upstream has sent nothing for ${Math.round(silentMs)} ms`)
    this.silentMs = silentMs
  }
}

/** An event of a stream has more bytes than the gateway holds. */
export class TooLong extends Error {
  override readonly name = 'TooLong'
}

/**
 * The next events, or the end, of a source. One that is silent for too long has stalled only if somebody else could go on:
 * else it is waited for, until somebody can.
 *
 * @throws as `next`
 */
export async function nextEvents(
  source: EventSource,
  limitMs: number,
  hasOther: () => Promise<boolean>,
): Promise<readonly SourceEvent[] | undefined> {
  for (;;) {
    try {
      return await source.next(limitMs)
    } catch (cause) {
      if (!(cause instanceof Stall) || (await hasOther())) throw cause
    }
  }
}

/** The events of a body, taken as their reader wants them. */
export interface EventSource {
  /**
   * The next events: at least one, all that have come.
   *
   * @param limitMs longest wait for it; infinity: as long as the connection lasts
   * @returns undefined at the body's end
   * @throws {Stall} nothing came; {TooLong}; what the body fails with
   */
  next(limitMs: number): Promise<readonly SourceEvent[] | undefined>
  /** Bytes of an event that has not ended. */
  rest(): Buffer
  /** Ends the request, too. Never rejects. */
  close(): Promise<void>
}

/** Events that are read: an answer's piece is a few hundred bytes. */
const mostReadBytes = 256 * 1024

export function openEventSource(
  body: ReadableStream<Uint8Array> | null,
  { maxBytes, timers }: { readonly maxBytes: number; readonly timers: Timers },
): EventSource {
  const reader = body?.getReader()
  const splitter = createSplitter()
  const events = createEventReader()
  type Reading = ReturnType<NonNullable<typeof reader>['read']>
  /** A read that a stall has left behind. */
  let reading: Reading | undefined

  const take = ({ done, value }: Awaited<Reading>): Uint8Array | undefined => {
    reading = undefined
    return done ? undefined : value
  }
  const readWithin = async (limitMs: number): Promise<Uint8Array | undefined> => {
    if (reader === undefined) return undefined
    reading ??= reader.read()
    if (limitMs === Number.POSITIVE_INFINITY) return take(await reading)
    let timer: unknown
    const silence = new Promise<never>((_, reject) => {
      timer = timers.setTimeout(() => reject(new Stall(limitMs)), limitMs)
    })
    try {
      return take(await Promise.race([reading, silence]))
    } finally {
      timers.clearTimeout(timer)
    }
  }

  const toEvent = (bytes: Buffer): SourceEvent => {
    if (bytes.length > mostReadBytes) return { bytes, event: undefined, isLong: true }
    return { bytes, event: events.push(bytes)[0], isLong: false }
  }

  return {
    async next(limitMs) {
      for (;;) {
        const bytes = await readWithin(limitMs)
        if (bytes === undefined) return undefined
        const whole = splitter.push(bytes)
        if (splitter.waitingBytes > maxBytes) throw new TooLong('an event of the stream is too long')
        if (whole.length > 0) return whole.map(toEvent)
      }
    },
    rest: () => splitter.rest(),
    async close() {
      reading?.catch(() => {})
      await reader?.cancel().catch(() => {})
    },
  }
}

const [lineFeed, carriageReturn] = [0x0a, 0x0d]

/** Cuts bytes behind each blank line. */
function createSplitter() {
  /** The event that has not ended. */
  let parts: Buffer[] = []
  let waitingBytes = 0
  /** Is the line that is being read empty so far, and did the last byte end one by a carriage return? */
  let isEmpty = false
  let wasReturn = false
  return {
    get waitingBytes() {
      return waitingBytes
    },
    rest: () => Buffer.concat(parts),
    push(chunk: Uint8Array): readonly Buffer[] {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      const whole: Buffer[] = []
      let from = 0
      for (let at = 0; at < bytes.length; at += 1) {
        const byte = bytes[at]
        const isSecond = byte === lineFeed && wasReturn
        wasReturn = byte === carriageReturn
        if (isSecond) continue
        if (byte !== lineFeed && byte !== carriageReturn) {
          isEmpty = false
          continue
        }
        if (!isEmpty) {
          isEmpty = true
          continue
        }
        // A line feed behind the carriage return is of the same line's end.
        const end = byte === carriageReturn && bytes[at + 1] === lineFeed ? at + 2 : at + 1
        whole.push(Buffer.concat([...parts, bytes.subarray(from, end)]))
        parts = []
        waitingBytes = 0
        from = end
      }
      if (from < bytes.length) {
        parts.push(bytes.subarray(from))
        waitingBytes += bytes.length - from
      }
      return whole
    },
  }
}
