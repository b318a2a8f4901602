import * as v from 'valibot'
import { object } from '../contracts/object-schemas.ts'
import { type DroppedReports, type Report, reportSchema } from '../contracts/report.ts'
import { type Book, newBook, openOutboxBook } from './outbox-book.ts'
import type { RecordSpace, Transaction } from './record-space.ts'
import { appendReport, readReport, takeReport, type WaitingReport, waitingPrefix } from './waiting-line.ts'

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

const deadSchema = object({ report: reportSchema, reason: v.string(), atMs: v.number() })

const deadPrefix = 'd/'

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
  const withBook = openOutboxBook(space, newId)
  const append = (book: Book, transaction: Transaction, report: Report) =>
    appendReport(book, transaction, report, { limits, nowMs: now() })

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
          const entry = await readReport(transaction, key)
          if (entry === undefined || now() - entry.addedAtMs > limits.ageMs) {
            await takeReport(book, transaction, key)
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
        for (const key of keys) if ((await takeReport(book, transaction, key)) !== undefined) book.sent += 1
      }),
    bury: (key, reason) =>
      withBook(async (book, transaction) => {
        const entry = await takeReport(book, transaction, key)
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
          const entry = await readReport(transaction, key)
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
        Object.assign(book, newBook(newId()), {
          nextPlace,
          enabled,
          dropped: { ...dropped, lost: dropped.lost + waiting },
        })
      }),
    setEnabled: (enabled) =>
      withBook(async (book) => {
        book.enabled = enabled
      }),
  }
}
