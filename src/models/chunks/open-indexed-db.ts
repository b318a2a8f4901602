import type { UseStore } from 'idb-keyval'
import { CapabilityError } from '../../errors/capability-error.ts'
import { systemTimers, type Timers } from '../../utils/with-deadline.ts'

export interface DatabaseOptions {
  readonly name: string
  /** `strict` for what must survive a power cut, `relaxed` for what can be fetched again. */
  readonly durability: 'strict' | 'relaxed'
  /** How long an open may take. Default 5 s: some browsers never answer one. */
  readonly timeoutMs?: number
  readonly indexedDB?: IDBFactory | undefined
  readonly timers?: Timers
}

const storeName = 'keyval'
const schemaVersion = 1

/** What a dead connection answers with. A transaction that the browser aborted by itself may have no error at all. */
const deadConnectionErrors = new Set(['InvalidStateError', 'UnknownError', 'AbortError'])
const isDeadConnection = (error: unknown): error is Error | null =>
  error === null || (error instanceof Error && deadConnectionErrors.has(error.name))

const unavailable = (name: string, cause?: unknown) =>
  new CapabilityError('storage-unavailable', "This browser's storage does not answer. Reload the page to try again.", {
    cause,
    context: { database: name },
  })

/** Pauses before an open that failed is tried again. */
const retryAfterMs = [100, 300, 900] as const
/** Pauses before a call whose connection died is tried on a new one: a browser that clears its data closes that, too. */
const reopenAfterMs = [0, 100, 300] as const

/**
 * A browser that was killed may leave its database locked for a moment: the next open fails with an unknown error. One
 * that is clearing the site's data aborts an open. A frame of another site may not have the database at all. It gets an
 * unknown error, too, with another message, and that one stays.
 */
const mayPass = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'AbortError' || (error.name === 'UnknownError' && !/permission/i.test(error.message)))

async function connect(options: DatabaseOptions): Promise<IDBDatabase> {
  const { timers = systemTimers } = options
  for (const pauseMs of retryAfterMs) {
    try {
      return await connectOnce(options)
    } catch (error) {
      if (!(error instanceof CapabilityError && mayPass(error.cause))) throw error
      await new Promise<void>((resolve) => timers.setTimeout(resolve, pauseMs))
    }
  }
  return connectOnce(options)
}

function connectOnce(options: DatabaseOptions): Promise<IDBDatabase> {
  const { name, timeoutMs = 5_000, timers = systemTimers } = options
  const factory = 'indexedDB' in options ? options.indexedDB : globalThis.indexedDB
  return new Promise((resolve, reject) => {
    if (!factory) throw unavailable(name)
    let tooLate = false
    const request = factory.open(name, schemaVersion)
    const timer = timers.setTimeout(() => {
      tooLate = true
      reject(unavailable(name))
    }, timeoutMs)
    request.onupgradeneeded = () => request.result.createObjectStore(storeName)
    request.onerror = () => {
      timers.clearTimeout(timer)
      reject(unavailable(name, request.error))
    }
    request.onsuccess = () => {
      timers.clearTimeout(timer)
      const database = request.result
      // A connection that nobody waits for any more would block a later upgrade.
      if (tooLate) database.close()
      else if (database.objectStoreNames.contains(storeName)) resolve(database)
      else {
        database.close()
        reject(unavailable(name))
      }
    }
  })
}

/**
 * Opens a database of one store for idb-keyval. idb-keyval's own `createStore` sets no durability, waits for ever for
 * an open that never answers, and does not try again when the connection died (Safari drops it in the background,
 * "clear site data" drops it everywhere): this one does, up to three times a call.
 *
 * @throws {CapabilityError} `storage-unavailable`: IndexedDB is missing, refuses, or does not answer in time
 */
export async function openIndexedDb(options: DatabaseOptions): Promise<UseStore> {
  let connection: Promise<IDBDatabase> | undefined

  const { timers = systemTimers } = options
  const forget = (dead: Promise<IDBDatabase>) => {
    if (connection === dead) connection = undefined
  }
  const connected = (): Promise<IDBDatabase> => {
    if (connection !== undefined) return connection
    const opening = connect(options)
    connection = opening
    opening.then(
      (database) => {
        database.onclose = () => forget(opening)
        // Lets another tab delete or upgrade the database; the next call here opens it again.
        database.onversionchange = () => {
          forget(opening)
          database.close()
        }
      },
      () => forget(opening),
    )
    return opening
  }

  await connected()
  return async (mode, callback) => {
    for (let tries = 0; ; tries += 1) {
      const current = connected()
      const database = await current
      try {
        return await callback(
          database.transaction(storeName, mode, { durability: options.durability }).objectStore(storeName),
        )
      } catch (error) {
        if (!isDeadConnection(error)) throw error
        forget(current)
        database.close()
        const pauseMs = reopenAfterMs[tries]
        // An AbortError that left here would be taken for the caller's own abort.
        if (pauseMs === undefined) {
          throw error === null || error.name === 'AbortError' ? unavailable(options.name, error) : error
        }
        if (pauseMs > 0) await new Promise<void>((resolve) => timers.setTimeout(resolve, pauseMs))
      }
    }
  }
}
