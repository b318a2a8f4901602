import * as v from 'valibot'
import { object } from '../contracts/object-schemas.ts'
import { type Report, reportSchema } from '../contracts/report.ts'
import { toJson } from '../utils/to-json.ts'
import type { Book } from './outbox-book.ts'
import type { Transaction } from './record-space.ts'

/** A report that waits, with its place in the line. */
export interface WaitingReport {
  readonly key: string
  readonly report: Report
  /** Size of its JSON, in bytes. */
  readonly bytes: number
}

const waitingSchema = object({ report: reportSchema, bytes: v.number(), addedAtMs: v.number() })

export const waitingPrefix = 'w/'
/** Places as text sort as numbers do. */
const keyAt = (place: number) => `${waitingPrefix}${String(place).padStart(15, '0')}`

const sizeOf = (report: Report): number => new TextEncoder().encode(toJson(report)).length

/** The report at this place; undefined where it is gone, or can't be read any more. */
export async function readReport(transaction: Transaction, key: string) {
  const parsed = v.safeParse(waitingSchema, await transaction.get(key))
  return parsed.success ? parsed.output : undefined
}

/** Takes a report out of the line, and out of the book's counts. */
export async function takeReport(book: Book, transaction: Transaction, key: string) {
  const stored = await transaction.get(key)
  if (stored === undefined) return undefined
  const entry = await readReport(transaction, key)
  await transaction.delete(key)
  book.waiting = Math.max(0, book.waiting - 1)
  book.waitingBytes = Math.max(0, book.waitingBytes - (entry?.bytes ?? 0))
  return entry
}

/** Puts a report at the end of the line; the oldest ones make room. */
export async function appendReport(
  book: Book,
  transaction: Transaction,
  report: Report,
  { limits, nowMs }: { readonly limits: { readonly reports: number; readonly bytes: number }; readonly nowMs: number },
): Promise<WaitingReport> {
  const entry = { report, bytes: sizeOf(report), addedAtMs: nowMs }
  const key = keyAt(book.nextPlace)
  book.nextPlace += 1
  await transaction.put(key, entry)
  book.waiting += 1
  book.waitingBytes += entry.bytes
  while (book.waiting > limits.reports || (book.waitingBytes > limits.bytes && book.waiting > 1)) {
    const [oldest] = await transaction.keys(waitingPrefix, 1)
    if (oldest === undefined) break
    await takeReport(book, transaction, oldest)
    book.dropped.full += 1
  }
  return { key, report, bytes: entry.bytes }
}
