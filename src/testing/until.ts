import { vi } from 'vitest'

/** Waits for a condition, as long as a machine with much else to do may need: only a test that hangs fails by it. */
export const until = (condition: () => boolean | Promise<boolean>) =>
  vi.waitUntil(condition, { timeout: 50_000, interval: 5 })

/** Waits until an assertion holds, as long as `until` does. */
export const eventually = <T>(assertion: () => T | Promise<T>) =>
  vi.waitFor(assertion, { timeout: 50_000, interval: 5 })
