/** How soon a download is wanted: somebody waits for it, or it is fetched ahead of need. */
export type Priority = 'waiting' | 'background'

/** One download's claim on the connections that all downloads share. */
export interface TransferClaim {
  /** May rise while the download lasts. */
  priority: Priority
}

/**
 * The connections that all downloads of this thread share. What a person waits for goes first: while such a download
 * wants connections, one that is fetched ahead of need gets none.
 */
export interface TransferSlots {
  /** Waits for a connection and returns what gives it back. @throws the signal's reason */
  take(claim: TransferClaim, signal?: AbortSignal): Promise<() => void>
  /** True when the claim should give its connection back at the next chance: somebody waits for more urgent bytes. */
  mustYield(claim: TransferClaim): boolean
}

interface Waiter {
  readonly claim: TransferClaim
  readonly grant: () => void
}

/** @param limit connections at a time; browsers open six to a host over HTTP/1.1 */
export function createTransferSlots(limit = 6): TransferSlots {
  const active: TransferClaim[] = []
  let waiters: Waiter[] = []

  const isUrgent = ({ priority }: TransferClaim) => priority === 'waiting'
  const grantNext = () => {
    while (active.length < limit) {
      const next = waiters.find(({ claim }) => isUrgent(claim)) ?? (active.some(isUrgent) ? undefined : waiters[0])
      if (next === undefined) return
      waiters = waiters.filter((waiter) => waiter !== next)
      active.push(next.claim)
      next.grant()
    }
  }
  const give = (claim: TransferClaim) => {
    const at = active.indexOf(claim)
    if (at >= 0) active.splice(at, 1)
    grantNext()
  }

  return {
    take: (claim, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason)
          return
        }
        const abort = () => {
          waiters = waiters.filter((waiter) => waiter !== own)
          reject(signal?.reason)
          grantNext()
        }
        let isHeld = true
        const own: Waiter = {
          claim,
          grant: () => {
            signal?.removeEventListener('abort', abort)
            resolve(() => {
              if (isHeld) give(claim)
              isHeld = false
            })
          },
        }
        signal?.addEventListener('abort', abort, { once: true })
        waiters.push(own)
        grantNext()
      }),
    mustYield: (claim) =>
      !isUrgent(claim) && (active.some(isUrgent) || waiters.some((waiter) => isUrgent(waiter.claim))),
  }
}
