import type { Transfer } from './download-rates.ts'
import { type ResourceTimes, transfersOf } from './resource-transfers.ts'

/** The part of the browser's `Performance` that is used. */
interface Timeline {
  getEntriesByType(type: string): readonly unknown[]
}

type Entry = ResourceTimes & { readonly initiatorType?: string }

/** What tells of files that a page has loaded. */
export interface ResourceWatch {
  /** Takes in what has been loaded since the last call. */
  read(): void
}

/** Of these the time says how long a server had something to send, and not how fast the link is. */
const streamed: ReadonlySet<string> = new Set([
  'fetch',
  'xmlhttprequest',
  'beacon',
  'video',
  'audio',
  'track',
  'iframe',
])

/**
 * Learns from the page's own files: its document, its scripts, its pictures, by the browser's resource timings
 * (https://www.w3.org/TR/resource-timing/). It reads the browser's list when asked and listens to nothing.
 */
export function watchResources(
  onTransfer: (transfer: Transfer) => void,
  options: { readonly timeline?: Timeline | undefined } = {},
): ResourceWatch {
  const timeline = 'timeline' in options ? options.timeline : (globalThis.performance as Timeline | undefined)
  let readUntil = Number.NEGATIVE_INFINITY
  return {
    read() {
      if (typeof timeline?.getEntriesByType !== 'function') return
      const entries = ['navigation', 'resource'].flatMap((type) => timeline.getEntriesByType(type)) as Entry[]
      const fresh = entries.filter(
        ({ responseEnd, initiatorType }) => responseEnd > readUntil && !streamed.has(initiatorType ?? ''),
      )
      for (const { responseEnd } of fresh) readUntil = Math.max(readUntil, responseEnd)
      for (const transfer of transfersOf(fresh)) onTransfer(transfer)
    },
  }
}
