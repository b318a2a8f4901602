import { ConfigError } from '../../errors/config-error.ts'
import { type LogNormal, meanOf } from '../../utils/log-normal.ts'
import { createWaitingLine, erlangCFromB, nextErlangB, shareBelow } from './waiting-line.ts'

/** What a cloud platform is asked for. */
export interface CloudPlatform {
  /** Requests a second that reach the cloud, at the hour to be planned for. */
  readonly requestsPerSecond: number
  /** C / R: what one worker needs for one request, in milliseconds. */
  readonly service: LogNormal
  /** The time, waiting included, within which 95 % of the requests leave the endpoint, in milliseconds. */
  readonly p95Ms: number
  /** Bytes of a request and its answer. */
  readonly bytes: number
  readonly prices: {
    /** One worker for an hour. */
    readonly workerHour: number
    /** 10⁹ bytes to or from the endpoint. */
    readonly gigabyte: number
  }
}

/** The cloud platform that answers in time, and what it costs. */
export interface CloudPlatformPlan {
  /** M, the fewest workers that meet the 95th percentile. */
  readonly workers: number
  /** Share of the time that a worker is busy. */
  readonly utilisation: number
  /** Chance that a request finds all workers busy (Erlang C). */
  readonly chanceToWait: number
  readonly meanWaitMs: number
  /** What the 95th percentile of wait and service is with this many workers. */
  readonly p95Ms: number
  /** Money for 1,000 of the requests that reach the cloud, in the prices' currency. */
  readonly moneyPer1000: number
}

/** More workers than this are no plan of one endpoint's any more. */
const mostWorkers = 1_000_000

/**
 * CCP, the cloud computing platform: M workers, their line, and what they cost.
 *
 *     CCP = i(R, C, B, M):  the smallest M with  P(wait(M) + C / R ≤ p95) ≥ 0.95
 *
 * wait(M) is that of M workers on one line with requests arriving at random, see `createWaitingLine`. R is the speed of
 * one worker, C the model's multiply-accumulates: `service` is C / R as measured. B enters the money only: every byte
 * that crosses the endpoint's link is paid for.
 *
 *     money per 1,000 = 1,000 · (M · price of a worker-hour / requests an hour + bytes · price of a byte)
 *
 * @throws {ConfigError} `config-invalid` when one worker alone is too slow for the p95, so that no number of them meets it
 */
export function cloudPlatformPlan(platform: CloudPlatform): CloudPlatformPlan {
  const { requestsPerSecond, service, p95Ms, bytes, prices } = platform
  const numbers = [requestsPerSecond, meanOf(service), p95Ms, bytes, prices.workerHour, prices.gigabyte]
  if (!numbers.every((number) => Number.isFinite(number) && number >= 0)) {
    throw new ConfigError('config-invalid', 'A cloud platform is planned from numbers that are zero or more.')
  }
  if (shareBelow(service, p95Ms) < 0.95) {
    throw new ConfigError(
      'config-invalid',
      `No number of workers answers 95 % within ${p95Ms} ms: one run alone takes ${meanOf(service).toFixed(1)} ms on average. Allow more time, or take faster workers.`,
    )
  }
  const offered = (requestsPerSecond * meanOf(service)) / 1000
  let erlangB = 1
  for (let workers = 1; workers <= mostWorkers; workers += 1) {
    erlangB = nextErlangB(erlangB, offered, workers)
    if (workers <= offered) continue
    const chanceToWait = erlangCFromB(erlangB, offered, workers)
    const line = createWaitingLine({ requestsPerSecond, workers, service, chanceToWait })
    if (line.shareWithin(p95Ms) < 0.95) continue
    const { utilisation, meanWaitMs } = line
    const workerMoney = requestsPerSecond > 0 ? (1000 * workers * prices.workerHour) / (requestsPerSecond * 3600) : 0
    return {
      workers,
      utilisation,
      chanceToWait,
      meanWaitMs,
      p95Ms: line.quantileMs(0.95),
      moneyPer1000: workerMoney + (1000 * bytes * prices.gigabyte) / 1e9,
    }
  }
  throw new ConfigError('config-invalid', `More than ${mostWorkers} workers would be needed.`)
}
