import type { Timers } from '../utils/with-deadline.ts'

/** Timers that fire when a test says so. */
export interface ManualTimers extends Timers {
  /** Fires every timer that is set. */
  fireAll(): void
  readonly size: number
}

export function createManualTimers(): ManualTimers {
  const callbacks = new Map<number, () => void>()
  let last = 0
  return {
    setTimeout(callback) {
      last += 1
      callbacks.set(last, callback)
      return last
    },
    clearTimeout(handle) {
      callbacks.delete(Number(handle))
    },
    fireAll() {
      const due = [...callbacks.values()]
      callbacks.clear()
      for (const callback of due) callback()
    },
    get size() {
      return callbacks.size
    },
  }
}
