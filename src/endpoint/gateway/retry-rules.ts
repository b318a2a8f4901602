import { type HitherError, isHitherError } from '../../errors/hither-error.ts'
import type { Parameters } from '../../protocol/infer/infer-request.ts'

/**
 * Retries for each request in the long run (`share`), and how many may come at once (`most`): a fallen upstream must not
 * double the load.
 */
export const retryBudget = { share: 0.2, most: 10 }

/** Codes after which another upstream may answer: none of them says that the request is at fault. */
const retried: ReadonlySet<string> = new Set([
  'cloud-unreachable',
  'cloud-bad-response',
  'cloud-overloaded',
  'cloud-failed',
  'cloud-unauthorized',
])

/**
 * Inference has no side effect, so that it may be done twice. Two kinds are not repeated: a step of a sequence, which
 * changes the state that the server keeps, and a request that ran out of time, which has none left.
 */
export const mayRetry = (error: unknown, parameters: Parameters): boolean =>
  isHitherError(error) && retried.has(error.code) && !isGatewaysOwn(error) && sequenceOf(parameters) === undefined

/** The sequence that a request is a step of. Source: Triton's sequence extension. */
export function sequenceOf({ sequence_id: id }: Parameters): string | undefined {
  return id === undefined || id === 0 || id === '' || typeof id === 'boolean' ? undefined : String(id)
}

/** Is this failure certainly the upstream's and not the request's? A 500 may be either. */
export const isUpstreamFault = (error: unknown): boolean =>
  isHitherError(error) &&
  ['cloud-unreachable', 'cloud-bad-response', 'cloud-timeout'].includes(error.code) &&
  !isGatewaysOwn(error)

/**
 * Did the gateway give up, and not the upstream fail? An answer held more than it reads, which the request asked for; or
 * its own thread for large bodies died: an upstream that is overloaded has said so with a status.
 */
export const isGatewaysOwn = ({ code, context }: HitherError): boolean =>
  context.limitBytes !== undefined ||
  context.tooMuch !== undefined ||
  (code === 'cloud-overloaded' && context.status === undefined)
