import type { Transfer } from './download-rates.ts'

/** The part of a `PerformanceResourceTiming` that is used: numbers that can cross threads. Times by one thread's clock. */
export interface ResourceTimes {
  /** Its address. */
  readonly name: string
  readonly requestStart: number
  readonly responseStart: number
  readonly responseEnd: number
  /** Bytes with headers; 0 when it came from a cache, or its server does not allow the page to know (Timing-Allow-Origin). */
  readonly transferSize: number
  /** Bytes of the body as it was sent; 0 likewise. */
  readonly encodedBodySize: number
  /** Above 0 when a service worker answered, from wherever it had it. */
  readonly workerStart: number
}

/** What a browser counts for the headers of an answer. */
const headerBytes = 300

/** Came over the network, by all that the browser says: not from a cache, not confirmed by a 304, not by a worker. */
export const isFromNetwork = (entry: ResourceTimes): boolean =>
  entry.transferSize > 0 &&
  entry.encodedBodySize > 0 &&
  entry.transferSize >= entry.encodedBodySize &&
  !(entry.workerStart > 0)

/**
 * The transfers that a thread's resource timings tell of, the fastest first: the others only waited. Answers that came at the same time from one server share its
 * link, so the spans in which any of them was coming are joined, and their bytes with them. Where the browser hides the
 * moments (another origin without Timing-Allow-Origin), says nothing of a part (the script of a worker), or the answer
 * did not come over the network, nothing is learned of it; a file of which only the beginning is unknown adds its bytes to
 * a span that it overlaps.
 */
export function transfersOf(entries: readonly ResourceTimes[]): Transfer[] {
  const spans = new Map<string, { origin: string; from: number; to: number; bytes: number }[]>()
  const usable = entries.filter((entry) => isFromNetwork(entry) && URL.canParse(entry.name))
  const isTimed = ({ requestStart, responseStart, responseEnd }: ResourceTimes) =>
    requestStart > 0 && responseStart > requestStart && responseEnd > responseStart
  for (const entry of usable.filter(isTimed).sort((a, b) => a.responseStart - b.responseStart)) {
    const { origin } = new URL(entry.name)
    const known = spans.get(origin) ?? []
    spans.set(origin, known)
    const last = known.at(-1)
    const [from, to, bytes] = [entry.responseStart, entry.responseEnd, entry.encodedBodySize + headerBytes]
    if (last !== undefined && from <= last.to) {
      last.to = Math.max(last.to, to)
      last.bytes += bytes
    } else known.push({ origin, from, to, bytes })
  }
  for (const entry of usable.filter((each) => !isTimed(each))) {
    const { requestStart, responseEnd, encodedBodySize } = entry
    const known = spans.get(new URL(entry.name).origin)
    const span = known?.find(({ from, to }) => responseEnd > from && requestStart < to)
    if (span === undefined) continue
    span.to = Math.max(span.to, responseEnd)
    span.bytes += encodedBodySize + headerBytes
  }
  const transfers = [...spans.values()]
    .flat()
    .map(({ origin, bytes, from, to }) => ({ origin, bytes, ms: to - from, kind: 'files' as const }))
  return transfers.sort((a, b) => b.bytes / b.ms - a.bytes / a.ms)
}
