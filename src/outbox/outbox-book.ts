import * as v from 'valibot'
import { object } from '../contracts/object-schemas.ts'
import { droppedSchema } from '../contracts/report.ts'
import type { RecordSpace, Transaction } from './record-space.ts'

const bookSchema = object({
  device: v.pipe(v.string(), v.uuid()),
  /** Place of the next report. Places only grow: order does not hang on the device's clock. */
  nextPlace: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  waiting: v.pipe(v.number(), v.safeInteger()),
  waitingBytes: v.pipe(v.number(), v.safeInteger()),
  sent: v.pipe(v.number(), v.safeInteger()),
  dropped: droppedSchema,
  counts: object({ answered: v.number(), failed: v.number() }),
  enabled: v.boolean(),
})
/** The book kept of the outbox: counts, so that no question has to read the whole line. */
export type Book = v.InferOutput<typeof bookSchema>

const bookKey = 'book'

export const newBook = (device: string): Book => ({
  device,
  nextPlace: 0,
  waiting: 0,
  waitingBytes: 0,
  sent: 0,
  dropped: { expired: 0, full: 0, lost: 0, refused: 0 },
  counts: { answered: 0, failed: 0 },
  enabled: true,
})

/** Runs `work` on the book in one transaction, and keeps what it changed. */
export type WithBook = <T>(work: (book: Book, transaction: Transaction) => Promise<T>) => Promise<T>

/** @param newId the random name of an installation that has none */
export function openOutboxBook(space: RecordSpace, newId: () => string): WithBook {
  /** The book as this page last saw it: when it is gone from the store, so are the reports. */
  let seen: Book | undefined

  return async (work) => {
    const kept = await space.change(async (transaction) => {
      const parsed = v.safeParse(bookSchema, await transaction.get(bookKey))
      const book = parsed.success ? structuredClone(parsed.output) : newBook(newId())
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
}
