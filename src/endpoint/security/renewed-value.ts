import { within } from '../../utils/within.ts'

/** A value that is asked for again now and then, such as what a file holds. */
export interface RenewedValue<T> {
  /** What holds now. It is asked for again first when it is due; what can't be had leaves the last good one in use. */
  current(): Promise<T>
}

/** Milliseconds that asking may take: nobody waits longer for it, and what comes later is used later. */
const patienceMs = 5_000

/**
 * @param load resolves with the value, or undefined where it is the same as before
 * @param everyMs it is asked for at most so often, and only when someone wants it
 * @param onFault called once for each row of failures, not for each failure
 */
export function renewValue<T>(options: {
  readonly first: T
  readonly load: () => Promise<T | undefined>
  readonly everyMs: number
  readonly onFault: (error: unknown) => void
  readonly nowMs?: () => number
  readonly waitMs?: number
}): RenewedValue<T> {
  const { load, everyMs, onFault, nowMs = () => performance.now(), waitMs = patienceMs } = options
  let value = options.first
  let askedMs = nowMs()
  let failed = false
  let underWay: Promise<void> | undefined
  const renew = async () => {
    try {
      value = (await load()) ?? value
      failed = false
    } catch (error) {
      if (!failed) onFault(error)
      failed = true
    }
    underWay = undefined
  }
  return {
    async current() {
      if (underWay === undefined && nowMs() - askedMs >= everyMs) {
        askedMs = nowMs()
        underWay = renew()
      }
      if (underWay !== undefined) await within(underWay, waitMs, () => undefined).catch(() => {})
      return value
    },
  }
}
