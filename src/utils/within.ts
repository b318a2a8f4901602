import { systemTimers, type Timers } from './with-deadline.ts'

/**
 * Settles as `work` does, or rejects with `onLate()` once `ms` have passed. For work that takes no signal: it goes on, and
 * its end is not heard any more.
 */
export function within<T>(
  work: Promise<T>,
  ms: number,
  onLate: () => unknown,
  timers: Timers = systemTimers,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = timers.setTimeout(() => reject(onLate()), ms)
    work.then(resolve, reject).finally(() => timers.clearTimeout(timer))
  })
}
