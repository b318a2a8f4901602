import { type Client, LibsqlError } from '@libsql/client'
import { CloudError } from '../../errors/cloud-error.ts'
import { sleep } from '../../utils/sleep.ts'

/** Milliseconds between two tries: SQLite tells nobody when the lock is free. */
const pauseMs = { first: 10, most: 100 }

/** Another process holds SQLite's one lock for writing. */
export const isBusy = (error: unknown): boolean =>
  error instanceof LibsqlError && (error.code === 'SQLITE_BUSY' || error.code === 'SQLITE_LOCKED')

/** Runs work on the database, and again for as long as another process writes to it. */
export type WaitForLock = <T>(work: () => Promise<T>) => Promise<T>

/**
 * SQLite's own waiting would stop the whole thread. Work that was refused is done anew on other connections: a statement
 * that failed stays open in its own one until the garbage collector comes by, and no transaction there can be committed.
 *
 * @param waitMs milliseconds; then it fails with {CloudError} `cloud-overloaded`
 */
export function createWaitForLock(client: Client, waitMs: number): WaitForLock {
  return async (work) => {
    const untilMs = performance.now() + waitMs
    for (let wait = pauseMs.first; ; wait = Math.min(2 * wait, pauseMs.most)) {
      try {
        return await work()
      } catch (error) {
        if (!isBusy(error)) throw error
        await client.reconnect()
        if (performance.now() >= untilMs) throw stillBusy(waitMs, error)
        await sleep(wait)
      }
    }
  }
}

const stillBusy = (waitMs: number, cause: unknown) =>
  new CloudError(
    'cloud-overloaded',
    `Another program has been writing to the database of reports for ${waitMs / 1000} s; try again in a moment.`,
    { context: { status: 503, retryAfterMs: 5_000 }, cause },
  )
