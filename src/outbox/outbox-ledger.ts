import * as v from 'valibot'
import { type DroppedReports, droppedSchema, type Report, reportSchema } from '../contracts/report.ts'
import type { RecordSpace, Transaction } from './record-space.ts'

/** A report that waits, with its place in the line. */
export interface WaitingReport {
  readonly key: string
  readonly report: Report
  /** Size of its JSON, in bytes. */
  readonly bytes: number
}

/** A report that the endpoint refused for good: kept to be looked at, never sent again. */
export interface DeadLetter {
  readonly report: Report
  readonly reason: string
  readonly atMs: number
}

export interface LedgerState {
  readonly waiting: number
  readonly waitingBytes: number
  readonly dead: number
  /** Reports that the endpoint acknowledged since the outbox began. */
  readonly sent: number
  readonly dropped: DroppedReports
  /** False: the person switched reporting off on this device. */
  readonly enabled: boolean
}

/** The line of reports that wait for the endpoint, and the book kept of it. Each method is one transaction. */
export interface OutboxLedger {
  readonly persistent: boolean
  /** Random name of this installation. */
  device(): Promise<string>
  /** Puts a report at the end of the line; the oldest ones make room. Does nothing while switched off. */
  add(report: Report): Promise<WaitingReport | undefined>
  /** Counts a request that had to stay on this device: the number is all that is kept of it. */
  count(outcome: 'answered' | 'failed'): Promise<void>
  /**
   * The reports that are next, oldest first, within the limits, and at least one. Drops what waited too long, and makes
   * a report of the requests that were only counted.
   */
  next(limits: { readonly reports: number; readonly bytes: number }): Promise<readonly WaitingReport[]>
  /** Takes acknowledged reports out of the line. */
  settle(keys: readonly string[]): Promise<void>
  bury(key: string, reason: string): Promise<void>
  state(): Promise<LedgerState>
  /** Everything that is kept, oldest first. */
  all(): Promise<{ readonly waiting: readonly Report[]; readonly dead: readonly DeadLetter[] }>
  /** Forgets all reports, and this installation's name. What waited counts as lost. */
  clear(): Promise<void>
  setEnabled(enabled: boolean): Promise<void>
}

export interface LedgerLimits {
  readonly reports: number
  readonly bytes: number
  readonly ageMs: number
  readonly dead: number
}

const defaultLimits: LedgerLimits = { reports: 5_000, bytes: 2_000_000, ageMs: 60 * 86_400_000, dead: 100 }

const bookSchema = v.object({
  device: v.pipe(v.string(), v.uuid()),
  /** Place of the next report. Places only grow: order does not hang on the device's clock. */
  nextPlace: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  waiting: v.pipe(v.number(), v.safeInteger()),
  waitingBytes: v.pipe(v.number(), v.safeInteger()),
  sent: v.pipe(v.number(), v.safeInteger()),
  dropped: droppedSchema,
  counts: v.object({ answered: v.number(), failed: v.number() }),
  enabled: v.boolean(),
})
type Book = v.InferOutput<typeof bookSchema>

const waitingSchema = v.object({ report: reportSchema, bytes: v.number(), addedAtMs: v.number() })
const deadSchema = v.object({ report: reportSchema, reason: v.string(), atMs: v.number() })

const bookKey = 'book'
const waitingPrefix = 'w/'
const deadPrefix = 'd/'
/** Places as text sort as numbers do. */
const keyAt = (prefix: string, place: number) => `${prefix}${String(place).padStart(15, '0')}`

const sizeOf = (report: Report): number => new TextEncoder().encode(JSON.stringify(report)).length

export function createOutboxLedger(
  space: RecordSpace,
  options: {
    readonly now?: () => number
    readonly limits?: Partial<LedgerLimits>
    readonly newId?: () => string
  } = {},
): OutboxLedger {
  const { now = Date.now, newId = () => crypto.randomUUID() } = options
  const limits = { ...defaultLimits, ...options.limits }
  /** The book as this page last saw it: when it is gone from the store, so are the reports. */
  let seen: Book | undefined

  const newBook = (): Book => ({
    device: newId(),
    nextPlace: 0,
    waiting: 0,
    waitingBytes: 0,
    sent: 0,
    dropped: { expired: 0, full: 0, lost: 0, refused: 0 },
    counts: { answered: 0, failed: 0 },
    enabled: true,
  })

  /** Runs `work` on the book and keeps what it changed. */
  const withBook = async <T>(work: (book: Book, transaction: Transaction) => Promise<T>): Promise<T> => {
    const kept = await space.change(async (transaction) => {
      const parsed = v.safeParse(bookSchema, await transaction.get(bookKey))
      const book = parsed.success ? structuredClone(parsed.output) : newBook()
      if (!parsed.success && seen !== undefined) {
        book.dropped = { ...seen.dropped, lost: seen.dropped.lost + seen.waiting }
        book.enabled = seen.enabled
      }
      const result = await work(book, transaction)
      await transaction.put(bookKey, book)
      return { book, result }
    })
    seen = kept.book
    return kept.result
  }

  const read = async (transaction: Transaction, key: string) => {
    const parsed = v.safeParse(waitingSchema, await transaction.get(key))
    return parsed.success ? parsed.output : undefined
  }
  const take = async (book: Book, transaction: Transaction, key: string) => {
    const stored = await transaction.get(key)
    if (stored === undefined) return undefined
    const entry = await read(transaction, key)
    await transaction.delete(key)
    book.waiting = Math.max(0, book.waiting - 1)
    book.waitingBytes = Math.max(0, book.waitingBytes - (entry?.bytes ?? 0))
    return entry
  }
  const append = async (book: Book, transaction: Transaction, report: Report): Promise<WaitingReport> => {
    const entry = { report, bytes: sizeOf(report), addedAtMs: now() }
    const key = keyAt(waitingPrefix, book.nextPlace)
    book.nextPlace += 1
    await transaction.put(key, entry)
    book.waiting += 1
    book.waitingBytes += entry.bytes
    while (book.waiting > limits.reports || (book.waitingBytes > limits.bytes && book.waiting > 1)) {
      const [oldest] = await transaction.keys(waitingPrefix, 1)
      if (oldest === undefined) break
      await take(book, transaction, oldest)
      book.dropped.full += 1
    }
    return { key, report, bytes: entry.bytes }
  }

  return {
    persistent: space.persistent,
    device: () => withBook(async (book) => book.device),
    add: (report) =>
      withBook(async (book, transaction) => (book.enabled ? append(book, transaction, report) : undefined)),
    count: (outcome) =>
      withBook(async (book) => {
        if (book.enabled) book.counts[outcome] += 1
      }),
    next: ({ reports, bytes }) =>
      withBook(async (book, transaction) => {
        if (book.counts.answered + book.counts.failed > 0) {
          await append(book, transaction, { kind: 'counts', id: newId(), atMs: now(), ...book.counts })
          book.counts = { answered: 0, failed: 0 }
        }
        const found: WaitingReport[] = []
        let total = 0
        for (const key of await transaction.keys(waitingPrefix)) {
          if (found.length >= reports) break
          const entry = await read(transaction, key)
          if (entry === undefined || now() - entry.addedAtMs > limits.ageMs) {
            await take(book, transaction, key)
            if (entry === undefined) book.dropped.lost += 1
            else book.dropped.expired += 1
            continue
          }
          if (found.length > 0 && total + entry.bytes > bytes) break
          found.push({ key, report: entry.report, bytes: entry.bytes })
          total += entry.bytes
        }
        return found
      }),
    settle: (keys) =>
      withBook(async (book, transaction) => {
        for (const key of keys) if ((await take(book, transaction, key)) !== undefined) book.sent += 1
      }),
    bury: (key, reason) =>
      withBook(async (book, transaction) => {
        const entry = await take(book, transaction, key)
        if (entry === undefined) return
        book.dropped.refused += 1
        const place = key.slice(waitingPrefix.length)
        await transaction.put(`${deadPrefix}${place}`, { report: entry.report, reason, atMs: now() })
        const dead = await transaction.keys(deadPrefix)
        for (const old of dead.slice(0, Math.max(0, dead.length - limits.dead))) await transaction.delete(old)
      }),
    state: () =>
      withBook(async (book, transaction) => ({
        waiting: book.waiting,
        waitingBytes: book.waitingBytes,
        dead: (await transaction.keys(deadPrefix)).length,
        sent: book.sent,
        dropped: { ...book.dropped },
        enabled: book.enabled,
      })),
    all: () =>
      withBook(async (_, transaction) => {
        const waiting: Report[] = []
        for (const key of await transaction.keys(waitingPrefix)) {
          const entry = await read(transaction, key)
          if (entry !== undefined) waiting.push(entry.report)
        }
        const dead: DeadLetter[] = []
        for (const key of await transaction.keys(deadPrefix)) {
          const letter = v.safeParse(deadSchema, await transaction.get(key))
          if (letter.success) dead.push(letter.output)
        }
        return { waiting, dead }
      }),
    clear: () =>
      withBook(async (book, transaction) => {
        for (const prefix of [waitingPrefix, deadPrefix]) {
          for (const key of await transaction.keys(prefix)) await transaction.delete(key)
        }
        const { nextPlace, dropped, waiting, enabled } = book
        Object.assign(book, newBook(), { nextPlace, enabled, dropped: { ...dropped, lost: dropped.lost + waiting } })
      }),
    setEnabled: (enabled) =>
      withBook(async (book) => {
        book.enabled = enabled
      }),
  }
}
