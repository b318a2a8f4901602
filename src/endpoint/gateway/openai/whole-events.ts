import { joinInTurns } from '../../threads/join-in-turns.ts'
import { cutOffEvent, maxWholeBytes } from '../continuing/reading/stream-form.ts'

/** What becomes of an answer on its way. One of the two is called, once, unless the answer is too long. */
export interface RelayOutcome {
  /** All of it has come. */
  readonly onWhole: () => void
  /** The upstream died in its middle. */
  readonly onCut: (cause: unknown) => void
}

/** The bytes of a stream of events, up to the end of an event each time. */
export async function* wholeEvents(
  body: AsyncIterable<Uint8Array> | null,
  { onWhole, onCut }: RelayOutcome,
): AsyncGenerator<Buffer | string> {
  /** The event that has not ended yet. */
  let parts: Buffer[] = []
  let length = 0
  /** Its last bytes: an event's end may lie across two chunks. */
  let tail = Buffer.alloc(0)
  try {
    for await (const chunk of body ?? []) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      const seen = Buffer.concat([tail, bytes])
      const end = endOfLastEvent(seen) - tail.length
      if (end > 0) {
        yield joinInTurns([...parts, bytes.subarray(0, end)], length + end)
        parts = []
        length = 0
      }
      const rest = bytes.subarray(Math.max(0, end))
      parts.push(rest)
      length += rest.length
      tail = seen.subarray(Math.max(seen.length - (longestEnd - 1), end > 0 ? tail.length + end : 0))
      if (length > maxWholeBytes) break
    }
  } catch (cause) {
    onCut(cause)
    yield cutOffEvent('The answer was cut off: the server that wrote it is gone.')
    return
  }
  if (length > maxWholeBytes) {
    yield cutOffEvent('The answer was cut off: a part of it is too long.')
    return
  }
  onWhole()
  if (length > 0) yield joinInTurns(parts, length)
}

const ends = ['\n\n', '\r\n\r\n', '\r\r']
const longestEnd = 4

/** 0 where none ends. */
function endOfLastEvent(bytes: Buffer): number {
  const found = ends.map((blank) => {
    const at = bytes.lastIndexOf(blank)
    return at === -1 ? 0 : at + blank.length
  })
  return Math.max(...found)
}
