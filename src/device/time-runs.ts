import { median } from '../utils/median.ts'

/** Runs of one kernel at one size, at most; and the time after which no further run is started. */
const mostRuns = 5
const enoughMs = 18

/** How long measuring may take, and the clock that it is held to. */
export interface TimeBudget {
  /** Time on `nowMs` after which nothing is started that would not have ended by then. Default: none. */
  readonly untilMs?: number
  readonly nowMs?: () => number
}

/**
 * The time of a kernel's run in milliseconds, from a few of them. The first run compiles and allocates, and is not
 * counted; only where there is no time for another one it stands for them. A slow device makes fewer runs: measuring all
 * setups has to stay within 150 ms in all.
 *
 * @param ofThem what their times come to; default: the median
 */
export async function timeRuns(
  run: () => Promise<unknown>,
  budget: TimeBudget = {},
  ofThem: (times: readonly number[]) => number = median,
): Promise<number> {
  const { untilMs = Number.POSITIVE_INFINITY, nowMs = () => performance.now() } = budget
  const timed = async () => {
    const startedAt = nowMs()
    await run()
    return nowMs() - startedAt
  }
  const firstMs = await timed()
  const times: number[] = []
  const startedAt = nowMs()
  const hasTime = () => nowMs() + (times.at(-1) ?? firstMs) <= untilMs
  while (times.length < mostRuns && (times.length === 0 || nowMs() - startedAt < enoughMs) && hasTime()) {
    times.push(await timed())
  }
  return times.length === 0 ? firstMs : ofThem(times)
}
