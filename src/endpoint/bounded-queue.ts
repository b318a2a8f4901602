import { CloudError } from '../errors/cloud-error.ts'
import { systemTimers, type Timers } from '../utils/with-deadline.ts'

/** Hands out things of which there are few, first come, first served. */
export interface BoundedQueue<T> {
  /**
   * Waits for a free one. It is the caller's until it is given back.
   *
   * @param bytes memory that the waiting request holds
   * @throws {CloudError} `cloud-overloaded`: too many requests or bytes wait already, or this one waited too long
   * @throws the signal's reason when it aborts
   */
  take(bytes: number, signal: AbortSignal): Promise<T>
  /** Gives one back, or adds a new one. */
  give(item: T): void
  /** Takes a free one out of use; nothing happens when it is not there. */
  withdraw(item: T): void
  readonly waiting: number
}

interface Waiter<T> {
  readonly start: (item: T) => void
}

/** A queue for a resource; what waits is bounded in number, bytes and time. */
export function createBoundedQueue<T>(options: {
  readonly maxWaiting: number
  readonly maxWaitingBytes: number
  readonly maxWaitMs: number
  readonly timers?: Timers
}): BoundedQueue<T> {
  const { maxWaiting, maxWaitingBytes, maxWaitMs, timers = systemTimers } = options
  const free = new Set<T>()
  const waiters = new Set<Waiter<T>>()
  let waitingBytes = 0

  const overloaded = () =>
    new CloudError('cloud-overloaded', 'The endpoint has more requests than it can work on; try again in a moment.')

  const wait = (bytes: number, signal: AbortSignal) =>
    new Promise<T>((resolve, reject) => {
      const settle = (then: () => void) => {
        waiters.delete(waiter)
        waitingBytes -= bytes
        timers.clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        then()
      }
      const abort = () => settle(() => reject(signal.reason))
      const waiter: Waiter<T> = { start: (item) => settle(() => resolve(item)) }
      const timer = timers.setTimeout(() => settle(() => reject(overloaded())), maxWaitMs)
      signal.addEventListener('abort', abort, { once: true })
      waiters.add(waiter)
      waitingBytes += bytes
    })

  return {
    async take(bytes, signal) {
      signal.throwIfAborted()
      for (const item of free) {
        free.delete(item)
        return item
      }
      if (waiters.size >= maxWaiting || waitingBytes + bytes > maxWaitingBytes) throw overloaded()
      return wait(bytes, signal)
    },
    give(item) {
      const [next] = waiters
      if (next === undefined) free.add(item)
      else next.start(item)
    },
    withdraw(item) {
      free.delete(item)
    },
    get waiting() {
      return waiters.size
    },
  }
}
