/** How late this thread's event loop is: every request that arrives and every answer waits that long in addition. */
export interface LoopDelay {
  /** Moving average in milliseconds; 0 while the thread is idle. */
  readonly ms: number
  stop(): void
}

/** Milliseconds between two looks. */
const everyMs = 20

/** Weight of one look in the moving average: its half-life is 130 ms. */
const weight = 0.1

/**
 * Measures by how much a timer is late. It keeps no process alive.
 *
 * @param now milliseconds on a clock that never goes back
 */
export function watchLoopDelay(now: () => number = () => performance.now()): LoopDelay {
  let ms = 0
  let dueMs = now() + everyMs
  const timer = setInterval(() => {
    const nowMs = now()
    ms += weight * (Math.max(0, nowMs - dueMs) - ms)
    dueMs = nowMs + everyMs
  }, everyMs)
  timer.unref()
  return {
    get ms() {
      return ms
    },
    stop: () => clearInterval(timer),
  }
}
