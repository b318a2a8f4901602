/** How long a request waits at the endpoint before a worker takes it, in milliseconds. */
export interface QueueWaitEstimator {
  observe(ms: number, nowMs: number): void
  estimateMs(nowMs: number): number
}

const gain = 0.5
/** A queue that was seen is taken to have drained by this much: half of it is gone after 20 s. */
const drainsMs = 30_000
const mostMs = 600_000

/** Waits are often zero, so they are averaged as they are; and a queue is news, so what is old counts for less. */
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
