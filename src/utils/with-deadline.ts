/** Sets a timer and clears it again; a test's clock can stand in. */
export interface Timers {
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(handle: unknown): void
}

export const systemTimers: Timers = {
  setTimeout: (callback, ms) => globalThis.setTimeout(callback, ms),
  clearTimeout: (handle) => globalThis.clearTimeout(handle as ReturnType<typeof setTimeout>),
}

/**
 * Runs `work` with a signal that aborts when `signal` does, or with `onDeadline()` as its reason once `ms` have
 * passed. The timer ends with the work, so nothing is left to fire later.
 */
export async function withDeadline<T>(
  work: (signal: AbortSignal) => Promise<T>,
  options: {
    readonly ms: number | undefined
    readonly signal?: AbortSignal | undefined
    readonly onDeadline: () => unknown
    readonly timers?: Timers
  },
): Promise<T> {
  const { ms, signal, onDeadline, timers = systemTimers } = options
  // Nothing else could end the work.
  if (ms === undefined && signal !== undefined) return work(signal)
  const controller = new AbortController()
  const abort = () => controller.abort(signal?.reason)
  if (signal?.aborted) abort()
  else signal?.addEventListener('abort', abort, { once: true })
  const timer = ms === undefined ? undefined : timers.setTimeout(() => controller.abort(onDeadline()), ms)
  try {
    return await work(controller.signal)
  } finally {
    if (timer !== undefined) timers.clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
