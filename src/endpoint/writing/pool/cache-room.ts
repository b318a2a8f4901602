/** What one answer has of the room for keys and values. */
export interface TakenRoom {
  /** Its text has grown by so many bytes. */
  uses(bytes: number): void
  /** Undefined where it may go on; else resolves when it may. */
  room(): Promise<void> | undefined
  /** It has ended. */
  give(): void
}

/** Room for the keys and values of all answers that are being written. */
export interface CacheRoom {
  /** Is there room for one more answer that is expected to take so much? For a single one there always is. */
  fits(expectedBytes: number): boolean
  take(expectedBytes: number): TakenRoom
  readonly usedBytes: number
}

interface Holder {
  readonly expectedBytes: number
  bytes: number
  readonly waiting: (() => void)[]
}

/**
 * Nobody knows how long an answer becomes. So one is begun where what is expected of all fits; and where they have grown
 * beyond the bound together, the youngest stand still until older ones have ended. The oldest always goes on.
 */
export function createCacheRoom(boundBytes: number): CacheRoom {
  /** The oldest first. */
  const holders = new Set<Holder>()
  const sum = (of: (holder: Holder) => number) => [...holders].reduce((all, each) => all + of(each), 0)
  const usedBytes = () => sum(({ bytes }) => bytes)
  /** May it go on? So may those before which all is within the bound, itself included. */
  const mayGoOn = (holder: Holder) => {
    let before = 0
    for (const each of holders) {
      before += each.bytes
      if (each === holder) break
    }
    const [oldest] = holders
    return holder === oldest || before <= boundBytes
  }
  const wake = () => {
    for (const each of holders) {
      if (each.waiting.length > 0 && mayGoOn(each)) for (const go of each.waiting.splice(0)) go()
    }
  }
  return {
    fits: (expectedBytes) =>
      holders.size === 0 || sum((each) => Math.max(each.bytes, each.expectedBytes)) + expectedBytes <= boundBytes,
    take(expectedBytes) {
      const own: Holder = { expectedBytes, bytes: 0, waiting: [] }
      holders.add(own)
      return {
        uses(bytes) {
          own.bytes += bytes
        },
        room: () => (mayGoOn(own) ? undefined : new Promise<void>((resolve) => own.waiting.push(resolve))),
        give() {
          holders.delete(own)
          for (const go of own.waiting.splice(0)) go()
          wake()
        },
      }
    },
    get usedBytes() {
      return usedBytes()
    },
  }
}
