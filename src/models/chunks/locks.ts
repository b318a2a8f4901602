import { abortable } from '../../utils/abortable.ts'

/** Locks by name: one holder at a time, in the order of asking. A holder that dies lets go. */
export interface Locks {
  /** @throws the signal's reason when it aborts while waiting; the task's own errors */
  hold<T>(name: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Does nothing when somebody holds the lock. */
  holdIfFree(name: string, task: () => Promise<void>): Promise<void>
  /** Does somebody hold a lock whose name starts so? */
  isHeld(prefix: string): Promise<boolean>
}

/** What is used of the browser's lock manager. */
export type LocksManager = Pick<LockManager, 'request'> & Partial<Pick<LockManager, 'query'>>

/** Locks for one thread. */
function createLocalLocks(): Locks {
  const tails = new Map<string, Promise<void>>()
  const hold: Locks['hold'] = async (name, task, signal) => {
    const before = tails.get(name) ?? Promise.resolve()
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const tail = before.then(() => released)
    tails.set(name, tail)
    try {
      await abortable(before, signal)
      return await task()
    } finally {
      release()
      if (tails.get(name) === tail) tails.delete(name)
    }
  }
  return {
    hold,
    async holdIfFree(name, task) {
      if (!tails.has(name)) await hold(name, task)
    },
    isHeld: async (prefix) => [...tails.keys()].some((name) => name.startsWith(prefix)),
  }
}

/**
 * Locks shared by all tabs of this origin through the browser's lock manager. Where that is missing or refuses (no
 * secure context, an opaque origin), they hold within this thread.
 */
export function createLocks(manager: LocksManager | undefined): Locks {
  const local = createLocalLocks()
  if (manager === undefined) return local

  /** Settles as `task` does. A refusal of the manager's own is no failure of the task: it is done without. */
  const request = async <T>(
    name: string,
    options: LockOptions,
    task: (lock: Lock | null) => Promise<T>,
    without: () => Promise<T>,
  ): Promise<T> => {
    let isGranted = false
    try {
      return await manager.request(name, options, (lock) => {
        isGranted = true
        return task(lock)
      })
    } catch (error) {
      if (isGranted || options.signal?.aborted) throw error
      return without()
    }
  }
  return {
    hold: (name, task, signal) =>
      request(name, signal === undefined ? {} : { signal }, task, () => local.hold(name, task, signal)),
    holdIfFree: (name, task) =>
      request(
        name,
        { ifAvailable: true },
        async (lock) => {
          if (lock !== null) await task()
        },
        () => local.holdIfFree(name, task),
      ),
    async isHeld(prefix) {
      const held = await manager.query?.().then(
        (snapshot) => snapshot.held,
        () => undefined,
      )
      return (await local.isHeld(prefix)) || held?.some(({ name }) => name?.startsWith(prefix) === true) === true
    },
  }
}
