import { logNormal } from '../../utils/log-normal.ts'
import { createWaitingLine } from './waiting-line.ts'

/** What one level of a link is asked to carry. */
export interface SharedLink {
  /** Requests of all other devices on the link, were each sent to the cloud. */
  readonly othersPerSecond: number
  /** One request's bytes on the way up, in milliseconds. */
  readonly transferMs: number
  /** Share of requests that would be sent, given a wait for the link: it falls as the wait grows. */
  readonly sentShare: (waitMs: number) => number
}

const steps = 30

/**
 * The wait for a link that devices share: requests pass one after the other, so the link is a line with one worker
 * (M/D/1). Devices see the wait and stay at the edge when it is too long, which makes it shorter: the share that is sent
 * and the wait that it makes are found together, by bisection.
 *
 * @returns the mean wait in milliseconds
 */
export function sharedLinkWaitMs({ othersPerSecond, transferMs, sentShare }: SharedLink): number {
  if (!(othersPerSecond > 0 && transferMs > 0)) return 0
  const service = logNormal(transferMs, 0)
  const waitAt = (share: number) =>
    createWaitingLine({ requestsPerSecond: othersPerSecond * share, workers: 1, service }).meanWaitMs
  let [low, high] = [0, 1]
  for (let step = 0; step < steps; step += 1) {
    const middle = (low + high) / 2
    if (sentShare(waitAt(middle)) >= middle) low = middle
    else high = middle
  }
  return waitAt(low)
}
