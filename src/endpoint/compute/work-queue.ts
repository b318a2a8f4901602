import { CloudError } from '../../errors/cloud-error.ts'

/** Something that waits for a worker. */
export interface QueuedWork {
  /** Which model's queue it stands in. */
  readonly key: string
  /** Memory that it holds while it waits. */
  readonly bytes: number
}

/** Queues, one for each model, whose turns are shared fairly. */
export interface WorkQueue<T extends QueuedWork> {
  /** @throws {CloudError} `cloud-overloaded`: too many of this model wait, or too many bytes of all */
  push(item: T): void
  /** Would `push` take it? @throws as `push` */
  check(key: string, bytes: number): void
  /** Takes one out; false when it does not wait. */
  remove(item: T): boolean
  /** The model whose turn it is; undefined when nothing waits. */
  pick(): string | undefined
  /** The first that waits for a model. */
  first(key: string): T | undefined
  /** Takes the first of a model's that fit together, in order, at most `max`; the very first always fits. */
  take(key: string, max: number, fits: (first: T, other: T) => boolean): T[]
  /** Says how long a model has used a worker, so that the others have their turns. */
  charge(key: string, ms: number): void
  waiting(key?: string): number
  keys(): Iterable<string>
}

export const overloaded = (retryAfterMs?: number): CloudError =>
  new CloudError('cloud-overloaded', 'The endpoint has more requests than it can work on; try again in a moment.', {
    context: retryAfterMs === undefined ? {} : { retryAfterMs: Math.round(retryAfterMs) },
  })

/**
 * Fair by time: it is the turn of the model that has used the workers least, so many requests of a slow one do not keep
 * the others waiting. One that was idle starts level with those that are not: idleness is not saved up.
 *
 * Source: start-time fair queueing, Goyal, Vin and Cheng, SIGCOMM 1996
 */
export function createWorkQueue<T extends QueuedWork>(options: {
  readonly maxWaiting: number
  readonly maxWaitingBytes: number
}): WorkQueue<T> {
  const { maxWaiting, maxWaitingBytes } = options
  const queues = new Map<string, T[]>()
  const usedMs = new Map<string, number>()
  let clockMs = 0
  let bytesWaiting = 0

  const check = (key: string, bytes: number) => {
    const full = (queues.get(key)?.length ?? 0) >= maxWaiting
    if (full || bytesWaiting + bytes > maxWaitingBytes) throw overloaded()
  }
  const forget = (key: string, queue: readonly T[]) => {
    if (queue.length === 0) queues.delete(key)
  }

  return {
    check,
    push(item) {
      check(item.key, item.bytes)
      const queue = queues.get(item.key)
      if (queue === undefined) {
        queues.set(item.key, [item])
        usedMs.set(item.key, Math.max(usedMs.get(item.key) ?? 0, clockMs))
      } else {
        queue.push(item)
      }
      bytesWaiting += item.bytes
    },
    remove(item) {
      const queue = queues.get(item.key)
      const at = queue?.indexOf(item) ?? -1
      if (queue === undefined || at === -1) return false
      queue.splice(at, 1)
      bytesWaiting -= item.bytes
      forget(item.key, queue)
      return true
    },
    pick() {
      let least: string | undefined
      for (const key of queues.keys()) {
        if (least === undefined || (usedMs.get(key) ?? 0) < (usedMs.get(least) ?? 0)) least = key
      }
      if (least !== undefined) clockMs = Math.max(clockMs, usedMs.get(least) ?? 0)
      return least
    },
    first: (key) => queues.get(key)?.[0],
    take(key, max, fits) {
      const queue = queues.get(key) ?? []
      const taken: T[] = []
      while (taken.length < max) {
        const [first] = taken
        const [next] = queue
        if (next === undefined || (first !== undefined && !fits(first, next))) break
        queue.shift()
        bytesWaiting -= next.bytes
        taken.push(next)
      }
      forget(key, queue)
      return taken
    },
    charge(key, ms) {
      usedMs.set(key, (usedMs.get(key) ?? clockMs) + ms)
      // One that waits for nothing and is not ahead of the clock starts level when it comes back.
      for (const [each, used] of usedMs) if (!queues.has(each) && used <= clockMs) usedMs.delete(each)
    },
    waiting(key) {
      if (key !== undefined) return queues.get(key)?.length ?? 0
      let sum = 0
      for (const queue of queues.values()) sum += queue.length
      return sum
    },
    keys: () => queues.keys(),
  }
}
