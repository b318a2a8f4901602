import { median } from '../utils/median.ts'

/** Runs of one kernel at one size, at most; and the time after which no further run is started. */
const mostRuns = 5
const enoughMs = 18

/**
 * Median time of a kernel's runs in milliseconds. The first run compiles and allocates, and is not counted. A slow
 * device makes fewer runs: measuring all candidates has to stay within 150 ms in all.
 */
export async function timeRuns(run: () => Promise<unknown>, nowMs = () => performance.now()): Promise<number> {
  await run()
  const times: number[] = []
  const startedAt = nowMs()
  do {
    const runStartedAt = nowMs()
    await run()
    times.push(nowMs() - runStartedAt)
  } while (times.length < mostRuns && nowMs() - startedAt < enoughMs)
  return median(times)
}
