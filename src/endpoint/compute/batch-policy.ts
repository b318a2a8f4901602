/** How many requests of one model are put into one run, learned from what its runs take. */
export interface BatchPolicy {
  /** Requests to put into the next run when so many wait for it. */
  sizeFor(waiting: number): number
  /** Tells what a run took, in milliseconds. */
  learn(size: number, ms: number): void
  /** Have a joined run's answers been compared with those of single runs? */
  readonly checked: boolean
  check(same: boolean): void
}

/** A size is worth its longer run only when each request takes less than this share of a single run. */
const worth = 0.95

/** Runs of a size before it is judged: the first one of a shape also pays for memory that later ones find. */
const needed = 3

/** After so many runs a size that did not pay is tried once more: the machine may be another by then. */
const retryAfter = 2000

/**
 * Sizes are doubled from 1 as long as each step makes a request cheaper. Nothing waits for a batch to fill: a run takes
 * those that wait already, so batching only starts where there is a queue.
 */
export function createBatchPolicy(maxSize: number): BatchPolicy {
  const perRequest = new Map<number, { ms: number; runs: number }>()
  let checked = false
  let allowed = maxSize > 1
  let runs = 0

  const pays = (size: number): boolean => {
    const one = perRequest.get(size / 2)
    const two = perRequest.get(size)
    if (one === undefined || one.runs < needed) return false
    return two === undefined || two.runs < needed || two.ms < worth * one.ms
  }

  return {
    sizeFor(waiting) {
      if (!allowed) return 1
      let size = 1
      while (size * 2 <= Math.min(waiting, maxSize) && pays(size * 2)) size *= 2
      return size
    },
    learn(size, ms) {
      runs += 1
      const known = perRequest.get(size) ?? { ms: Number.POSITIVE_INFINITY, runs: 0 }
      // The least of the first ones, then an average: a pause of the machine is no property of a size.
      const share = ms / size
      known.ms = known.runs < needed ? Math.min(known.ms, share) : known.ms + 0.1 * (share - known.ms)
      known.runs += 1
      perRequest.set(size, known)
      if (runs % retryAfter !== 0) return
      for (const each of perRequest.keys()) if (each > 1 && !pays(each)) perRequest.delete(each)
    },
    get checked() {
      return checked
    },
    check(same) {
      checked = true
      if (!same) allowed = false
    },
  }
}
