/** How late this thread comes to what is due: what arrives, and what is ready, waits that long besides. */
export interface LoopDelay {
  /** Milliseconds, of the worst that was seen lately; 0 while nothing else is done. */
  readonly ms: number
  stop(): void
}

/** Milliseconds between two looks. */
const everyMs = 20

/** Share of the worst that is left after each look without one as bad: half of it is forgotten in 130 ms. */
const left = 0.9

/** Measures by how much a timer is late. It keeps no process alive. */
export function watchLoopDelay(): LoopDelay {
  let worstMs = 0
  let dueMs = performance.now() + everyMs
  const timer = setInterval(() => {
    const nowMs = performance.now()
    worstMs = Math.max(worstMs * left, nowMs - dueMs)
    dueMs = nowMs + everyMs
  }, everyMs)
  timer.unref()
  return {
    get ms() {
      // A timer that is late now has not said so yet.
      return Math.max(worstMs, performance.now() - dueMs, 0)
    },
    stop: () => clearInterval(timer),
  }
}
