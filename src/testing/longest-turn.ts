import { readFileSync } from 'node:fs'
import { expect } from 'vitest'

/** Milliseconds of processor time that one request may take of one turn of the event loop. */
const mostMs = 50

/** Milliseconds of processor time that this thread has used; where the system does not say it, the clock's. */
function threadMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6
  } catch {
    return performance.now()
  }
}

/**
 * Watches this thread's event loop: how much processor time its longest single turn takes. A machine with much else to
 * do takes longer for a turn, and does no more in it.
 */
function watchTurns(): { readonly stop: () => number } {
  let longest = 0
  let last = threadMs()
  let stopped = false
  const turn = () => {
    const now = threadMs()
    longest = Math.max(longest, now - last)
    last = now
    if (!stopped) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    /** @returns milliseconds */
    stop() {
      stopped = true
      return longest
    },
  }
}

/** Does something, and expects that no turn of the event loop takes longer than any request may hold it up. */
export async function watched<T>(work: () => Promise<T>): Promise<T> {
  const turns = watchTurns()
  try {
    return await work()
  } finally {
    expect(turns.stop()).toBeLessThan(mostMs)
  }
}
