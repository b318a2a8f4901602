import { type LogNormal, meanOf } from '../../utils/log-normal.ts'
import { normalShareBelow } from '../../utils/normal-share.ts'

/** Requests that wait in one line for M workers, in the long run. */
export interface WaitingLine {
  /** Share of the time that a worker is busy. From 1 on the line grows without end. */
  readonly utilisation: number
  /** Chance that a request finds all workers busy. */
  readonly chanceToWait: number
  readonly meanWaitMs: number
  /** Share of requests whose wait and service together take at most this long. */
  shareWithin(ms: number): number
  /** Wait and service together that the share `q` of requests stays within. */
  quantileMs(q: number): number
}

/** Points of the exponential wait that the service's distribution is averaged over. */
const waitPoints = 48

/** Share of a log-normal time below `ms`. */
export const shareBelow = ({ mu, variance }: LogNormal, ms: number): number => {
  if (!(ms > 0)) return 0
  return variance > 0 ? normalShareBelow((Math.log(ms) - mu) / Math.sqrt(variance)) : Number(Math.log(ms) >= mu)
}

/**
 * Erlang B, the share of requests that finds all workers busy where none may wait, for one worker more.
 * (Recursion over M: Cooper 1981, "Introduction to Queueing Theory", 3.3.)
 */
export const nextErlangB = (erlangB: number, offered: number, workers: number): number =>
  (offered * erlangB) / (workers + offered * erlangB)

/** Erlang C, the chance to wait, from Erlang B with as many workers. */
export const erlangCFromB = (erlangB: number, offered: number, workers: number): number =>
  offered >= workers ? 1 : (workers * erlangB) / (workers - offered * (1 - erlangB))

/** Erlang C: the chance that a request waits, with `offered` = arrivals a second × seconds of service (erlangs). */
export function erlangC(offered: number, workers: number): number {
  let erlangB = 1
  for (let count = 1; count <= workers; count += 1) erlangB = nextErlangB(erlangB, offered, count)
  return erlangCFromB(erlangB, offered, workers)
}

/**
 * M workers that share one line, arrivals at random (Poisson), any service time: M/G/M.
 *
 *     chance to wait  = Erlang C(a, M),  a = λ · E[S]
 *     mean wait       = Erlang C · E[S] / (M − a) · (1 + c²) / 2,  c² = Var[S] / E[S]²
 *
 * The factor (1 + c²) / 2 is Allen and Cunneen's (Allen 1990, "Probability, Statistics and Queueing Theory", 5.3); for
 * M = 1 this is the exact Pollaczek–Khinchine mean. The wait of those who wait is taken as exponential.
 *
 * @param line.requestsPerSecond λ
 * @param line.workers M
 * @param line.service S, in milliseconds: C / R
 * @param line.chanceToWait Erlang C where it is already known
 */
export function createWaitingLine(line: {
  readonly requestsPerSecond: number
  readonly workers: number
  readonly service: LogNormal
  readonly chanceToWait?: number
}): WaitingLine {
  const { requestsPerSecond, workers, service } = line
  const serviceMs = meanOf(service)
  const offered = (requestsPerSecond * serviceMs) / 1000
  const utilisation = offered / workers
  const chanceToWait = line.chanceToWait ?? erlangC(offered, workers)
  const endless = utilisation >= 1
  const waitOfWaitingMs = endless
    ? Number.POSITIVE_INFINITY
    : ((serviceMs / (workers - offered)) * (1 + Math.expm1(service.variance))) / 2

  const shareWithin = (ms: number): number => {
    if (endless) return 0
    const atOnce = shareBelow(service, ms)
    if (chanceToWait < 1e-6) return atOnce
    let waited = 0
    for (let point = 0; point < waitPoints; point += 1) {
      waited += shareBelow(service, ms + waitOfWaitingMs * Math.log1p(-(point + 0.5) / waitPoints))
    }
    return (1 - chanceToWait) * atOnce + (chanceToWait * waited) / waitPoints
  }

  return {
    utilisation,
    chanceToWait,
    meanWaitMs: endless ? Number.POSITIVE_INFINITY : chanceToWait * waitOfWaitingMs,
    shareWithin,
    quantileMs(q) {
      if (endless) return Number.POSITIVE_INFINITY
      let [low, high] = [0, serviceMs + waitOfWaitingMs]
      while (shareWithin(high) < q) high *= 2
      while (high - low > 1e-4 * high) {
        const middle = (low + high) / 2
        if (shareWithin(middle) < q) low = middle
        else high = middle
      }
      return high
    },
  }
}
