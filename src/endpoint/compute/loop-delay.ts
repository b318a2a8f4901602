/** How late this thread comes to what is due: what arrives, and what is ready, waits that long besides. */
export interface LoopDelay {
  /** Milliseconds, on average and lately; 0 while nothing else is done. */
  readonly ms: number
  stop(): void
}

/** Milliseconds between two looks. */
const everyMs = 20

/** What a look weighs: half of what was is forgotten in 130 ms. */
const weight = 0.1

/** Measures by how much a timer is late. It keeps no process alive. */
export function watchLoopDelay(): LoopDelay {
  let ms = 0
  let dueMs = performance.now() + everyMs
  const timer = setInterval(() => {
    const nowMs = performance.now()
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
