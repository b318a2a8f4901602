import type { Records } from '../chunks/open-records.ts'
import { type FetchOptions, toFetchEnvironment } from '../transfer/fetch-environment.ts'
import { fetchJson } from '../transfer/fetch-json.ts'

export interface CopiesOptions extends FetchOptions {
  /** Where the last good copies are kept, for when the network is gone. */
  readonly records: Records
  /** How long a file may take when there is no copy of it. Default 10 s. */
  readonly timeoutMs?: number
  /** How long it may take when there is one. Default 3 s. */
  readonly timeoutWithCopyMs?: number
  /** How long a copy serves before the network is asked again. Default 30 s. */
  readonly copyServesMs?: number
  /** Milliseconds on a clock that never goes back. Default: `performance.now`. */
  readonly now?: () => number
}

/** JSON files from the network, whose last good copies serve when the network is gone or a server answers nonsense. */
export interface Copies {
  /**
   * Fetches a file and keeps it, or gives its copy.
   *
   * @param isOlder true when what was loaded is older than the copy, which then serves
   * @throws what `fetchJson` or `parse` throw where there is no copy
   */
  load<T>(url: string, key: string, parse: (value: unknown) => T, isOlder?: (loaded: T, copy: T) => boolean): Promise<T>
  /** Has a copy stood in for this file so long that the network should be asked again? True once each time. */
  isStale(url: string): boolean
}

export function createCopies(options: CopiesOptions): Copies {
  const { records, timeoutMs = 10_000, timeoutWithCopyMs = 3_000, copyServesMs = 30_000 } = options
  const { now = () => performance.now() } = options
  const environment = toFetchEnvironment(options)
  /** When copies began to stand in for the network, by address. */
  const copiesSince = new Map<string, number>()

  async function readCopy<T>(key: string, parse: (value: unknown) => T): Promise<T | undefined> {
    try {
      const value = await records.get(key)
      return value === undefined ? undefined : parse(value)
    } catch {
      return undefined
    }
  }

  return {
    async load(url, key, parse, isOlder = () => false) {
      const copy = await readCopy(key, parse)
      try {
        const value = await fetchJson(url, copy === undefined ? timeoutMs : timeoutWithCopyMs, environment)
        const parsed = parse(value)
        if (copy !== undefined && isOlder(parsed, copy)) return copy
        copiesSince.delete(url)
        // Best effort: without a writable store there is no copy, and the catalogue still serves.
        await records.set(key, value).catch(() => {})
        return parsed
      } catch (error) {
        if (copy === undefined) throw error
        copiesSince.set(url, now())
        return copy
      }
    },
    isStale(url) {
      const since = copiesSince.get(url)
      if (since === undefined || now() - since < copyServesMs) return false
      copiesSince.delete(url)
      return true
    },
  }
}
