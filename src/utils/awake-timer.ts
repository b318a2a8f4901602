import { systemTimers, type Timers } from './with-deadline.ts'

/** Part of the time after which the timer looks again, and bounds on it: a second at most, so that it soon sees a freeze. */
const tickShare = 1 / 8
const tickBoundsMs = [20, 1_000] as const

/**
 * A timer that counts only time during which this page could run: a page that was frozen, or a laptop that slept,
 * has not waited. Each tick that comes late counts as little more than a tick.
 *
 * @returns stops it
 */
export function startAwakeTimer(
  ms: number,
  onElapsed: () => void,
  { timers = systemTimers, nowMs = () => performance.now() }: { timers?: Timers; nowMs?: () => number } = {},
): () => void {
  const tickMs = Math.min(Math.max(ms * tickShare, tickBoundsMs[0]), tickBoundsMs[1], ms)
  let leftMs = ms
  let tickedAt = nowMs()
  let handle: unknown
  const tick = () => {
    leftMs -= Math.min(nowMs() - tickedAt, 1.5 * tickMs)
    tickedAt = nowMs()
    if (leftMs <= 0) onElapsed()
    else handle = timers.setTimeout(tick, Math.min(tickMs, leftMs))
  }
  handle = timers.setTimeout(tick, tickMs)
  return () => timers.clearTimeout(handle)
}
