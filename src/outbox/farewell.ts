import { type Batch, type Report, reportsPath } from '../contracts/report.ts'
import { toJson } from '../utils/to-json.ts'

/** Browsers carry 64 KiB beyond a page's end, all such requests together; some of it is left for others. */
const limitBytes = 60 * 1024

/**
 * What a page that is being closed can still say. There is no time left to read the store then, so it keeps the
 * newest reports at hand. They stay in the line: the answer of a request that outlives its page is never read, and the
 * endpoint counts a report once, however often it comes.
 */
export interface Farewell {
  /** Keeps a report at hand. */
  remember(key: string, report: Report): void
  forget(keys: readonly string[]): void
  /** Sends what is at hand, at most 60 KiB. True when something was sent. Never throws. */
  send(batch: Omit<Batch, 'reports'>, token: string | undefined): boolean
}

export function createFarewell(options: {
  readonly baseUrl: string
  readonly fetch: typeof globalThis.fetch
}): Farewell {
  const { baseUrl, fetch } = options
  const atHand = new Map<string, { readonly report: Report; readonly bytes: number }>()
  let totalBytes = 0

  const drop = (key: string) => {
    const entry = atHand.get(key)
    if (entry !== undefined && atHand.delete(key)) totalBytes -= entry.bytes
  }

  return {
    remember(key, report) {
      drop(key)
      const bytes = new TextEncoder().encode(toJson(report)).length + 1
      atHand.set(key, { report, bytes })
      totalBytes += bytes
      for (const oldest of atHand.keys()) {
        if (totalBytes <= limitBytes) break
        drop(oldest)
      }
    },
    forget(keys) {
      for (const key of keys) drop(key)
    },
    send(batch, token) {
      const envelopeBytes = toJson({ ...batch, reports: [] }).length
      const reports: Report[] = []
      let bytes = envelopeBytes
      for (const entry of atHand.values()) {
        if (bytes + entry.bytes > limitBytes) break
        bytes += entry.bytes
        reports.push(entry.report)
      }
      if (reports.length === 0) return false
      try {
        // `sendBeacon` carries no token; a fetch with `keepalive` does, within the same limit.
        void fetch(`${baseUrl}${reportsPath}`, {
          method: 'POST',
          keepalive: true,
          headers: {
            'Content-Type': 'application/json',
            ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
          },
          body: toJson({ ...batch, reports }),
          credentials: 'omit',
          redirect: 'error',
          referrerPolicy: 'no-referrer',
        }).catch(() => {})
        return true
      } catch {
        return false
      }
    },
  }
}
