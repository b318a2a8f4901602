import type { BackendMeasurement } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'
import { sleep } from '../utils/sleep.ts'
import { systemTimers, type Timers } from '../utils/with-deadline.ts'

/** What measuring may take of a first visit, in milliseconds: 150 ms in all. */
export const probeBudgetsMs: Readonly<Record<Backend, number>> = { wasm: 40, webgpu: 80, webnn: 30 }

/** While nothing else goes on, what was cut short is measured again, with this much time. */
export const unhurriedBudgetMs = 2_000

/**
 * Ends a measurement when its time is up: what can't be interrupted goes on unheard.
 *
 * @param late what is known by then
 */
export async function withinBudget(
  budgetMs: number,
  measuring: Promise<BackendMeasurement>,
  late: () => BackendMeasurement,
  timers: Timers = systemTimers,
): Promise<BackendMeasurement> {
  const over = new AbortController()
  try {
    return await Promise.race([measuring, sleep(budgetMs, over.signal, timers).then(late)])
  } finally {
    measuring.catch(() => {})
    over.abort()
  }
}
