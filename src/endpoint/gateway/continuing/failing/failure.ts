import { CloudError } from '../../../../errors/cloud-error.ts'
import { Stall, TooLong } from '../reading/event-source.ts'

/** What ended a stream before its end, as it is counted. */
export type FailureReason = 'socket' | 'stalled' | 'nonsense' | 'error' | 'status'

/** A stream that failed. */
export interface Failure {
  readonly reason: FailureReason
  readonly cause: unknown
  /**
   * Whose fault it is: the upstream's; the upstream's if another one answers the same request; nobody's, as it is busy; or
   * the request's.
   */
  readonly fault: 'upstream' | 'suspect' | 'busy' | 'request'
  /** The upstream's own words: the event that says so, to be given on where nobody goes on. */
  readonly event?: Uint8Array | undefined
}

/** What another upstream would do as well: the client asked for it. */
export const isRequests = ({ fault, cause }: Failure): boolean => fault === 'request' && !isWrongSeam(cause)

/** It did not go on where the answer was. */
const isWrongSeam = (cause: unknown): boolean => cause instanceof CloudError && cause.context.goOn === true

/** @param event the event that was read when it failed */
export function toFailure(cause: unknown, event?: Uint8Array): Failure {
  if (cause instanceof Stall) return { reason: 'stalled', cause, fault: 'upstream' }
  if (cause instanceof TooLong) return { reason: 'nonsense', cause, fault: 'request' }
  if (!(cause instanceof CloudError)) return { reason: 'socket', cause, fault: 'upstream' }
  if (isWrongSeam(cause)) return { reason: 'nonsense', cause, fault: 'request' }
  if (cause.context.cutOff === true) return { reason: 'socket', cause, fault: 'upstream' }
  if (cause.code === 'cloud-bad-response') return { reason: 'nonsense', cause, fault: 'upstream' }
  const fault = cause.code === 'cloud-overloaded' ? 'busy' : cause.code === 'cloud-refused' ? 'request' : 'suspect'
  return { reason: 'error', cause, fault, event }
}
