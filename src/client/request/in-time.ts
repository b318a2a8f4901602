import { NoArmError } from '../../errors/no-arm-error.ts'
import { abortable } from '../../utils/abortable.ts'
import { withDeadline } from '../../utils/with-deadline.ts'

/** What ends a request before its answer. */
export interface RequestLimits {
  /** The caller's signal, or the client's end. */
  readonly signal: AbortSignal
  /** Milliseconds from `startedAt` after which it fails with `deadline-exceeded`. */
  readonly timeoutMs?: number | undefined
  /** By `performance.now()`. */
  readonly startedAt: number
}

/**
 * Does a part of a request within the request's time. When that ends, the caller is free at once; the work sees its
 * signal abort.
 *
 * @throws {NoArmError} `deadline-exceeded`
 * @throws the signal's reason
 */
export function inTime<T>(
  { signal, timeoutMs, startedAt }: RequestLimits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return withDeadline((bounded) => abortable(work(bounded), bounded), {
    ms: timeoutMs && Math.max(0, timeoutMs - (performance.now() - startedAt)),
    signal,
    onDeadline: () =>
      new NoArmError('deadline-exceeded', `No answer came within ${timeoutMs} ms. Try again, or allow more time.`),
  })
}
