/** How long a request waits at the endpoint before a worker takes it, in milliseconds. */
export interface QueueWaitEstimator {
  observe(ms: number, nowMs: number): void
  estimateMs(nowMs: number): number
}

const gain = 0.5
/** Time constant with which an observed queue is assumed to drain: half of it after 20 s. */
const drainsMs = 30_000
const mostMs = 600_000

/** Averages waits linearly, as they are often zero; older observations decay, as queues are short-lived. */
export function createQueueWaitEstimator(): QueueWaitEstimator {
  let waitMs = 0
  let atMs = Number.NEGATIVE_INFINITY
  const estimateMs = (nowMs: number) => {
    const age = nowMs - atMs
    return age > 0 ? waitMs * Math.exp(-age / drainsMs) : waitMs
  }
  return {
    observe(ms, nowMs) {
      if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY) || !Number.isFinite(nowMs)) return
      const expected = estimateMs(nowMs)
      waitMs = expected + gain * (Math.min(ms, mostMs) - expected)
      atMs = nowMs
    },
    estimateMs: (nowMs) => (Number.isNaN(nowMs) ? waitMs : estimateMs(nowMs)),
  }
}
