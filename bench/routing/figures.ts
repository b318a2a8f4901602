import { createSeededRandom } from '../../src/utils/seeded-random.ts'

/** Deadline that misses are counted against, in milliseconds. */
export const countedDeadlineMs = 300

/** One policy's outcomes in one setting, request by request, and by recording. */
export interface Collected {
  readonly latencyMs: Float64Array
  readonly toCloud: Uint8Array
  readonly wastedEdge: Uint8Array
  readonly wastedCloud: Uint8Array
  /** Sum of latencies of each recording, over all devices. */
  readonly byRecording: Float64Array
}

export const mean = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let i = 0; i < values.length; i += 1) sum += values[i] ?? 0
  return values.length === 0 ? Number.NaN : sum / values.length
}

/** A quantile of values that are sorted already. */
export function sortedQuantile(sorted: Float64Array, q: number): number {
  const at = (sorted.length - 1) * q
  const low = sorted[Math.floor(at)] ?? Number.NaN
  return low + ((sorted[Math.ceil(at)] ?? Number.NaN) - low) * (at - Math.floor(at))
}

export interface PolicyFigures {
  readonly meanMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly excessOverOracle: number
  readonly excessInterval: readonly [number, number]
  readonly cloudShare: number
  readonly wastedEdgeShare: number
  readonly wastedCloudShare: number
  readonly deadlineMissShare: number
}

export function figuresOf(collected: Collected, oracle: Collected, seed: number): PolicyFigures {
  const { latencyMs } = collected
  const sorted = latencyMs.slice().sort()
  let late = 0
  for (let i = 0; i < latencyMs.length; i += 1) late += (latencyMs[i] ?? 0) > countedDeadlineMs ? 1 : 0
  const oracleMean = mean(oracle.latencyMs)
  return {
    meanMs: mean(latencyMs),
    p50Ms: sortedQuantile(sorted, 0.5),
    p95Ms: sortedQuantile(sorted, 0.95),
    p99Ms: sortedQuantile(sorted, 0.99),
    excessOverOracle: mean(latencyMs) / oracleMean - 1,
    excessInterval: bootstrap(collected.byRecording, oracle.byRecording, seed),
    cloudShare: mean(collected.toCloud),
    wastedEdgeShare: mean(collected.wastedEdge),
    wastedCloudShare: mean(collected.wastedCloud),
    deadlineMissShare: late / latencyMs.length,
  }
}

/** A 95 % interval of the excess: recordings are drawn with replacement, as requests of one are not independent. */
function bootstrap(sums: Float64Array, oracleSums: Float64Array, seed: number, rounds = 500): [number, number] {
  const random = createSeededRandom(seed)
  const found = new Float64Array(rounds)
  for (let round = 0; round < rounds; round += 1) {
    let [sum, base] = [0, 0]
    for (let i = 0; i < sums.length; i += 1) {
      const drawn = Math.floor(random() * sums.length)
      sum += sums[drawn] ?? 0
      base += oracleSums[drawn] ?? 0
    }
    found[round] = sum / base - 1
  }
  found.sort()
  return [sortedQuantile(found, 0.025), sortedQuantile(found, 0.975)]
}
