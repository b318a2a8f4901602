const hourMs = 3_600_000

/** A stretch of time in equal steps, and the one of the same length before it. */
export interface Period {
  readonly beforeMs: number
  readonly fromMs: number
  readonly toMs: number
  readonly stepMs: number
  readonly steps: number
}

/** Periods that can be asked for, in hours, with the steps they are shown in. */
const stepsOf: ReadonlyMap<number, number> = new Map([
  [24, hourMs],
  [168, 6 * hourMs],
  [720, 24 * hourMs],
  [2160, 24 * hourMs],
])
export const periodHours: readonly number[] = [...stepsOf.keys()]

/** The last `hours`, up to the end of the step that is under way. */
export function periodOf(hours: number, nowMs: number): Period {
  const stepMs = stepsOf.get(hours) ?? hourMs
  const steps = Math.round((hours * hourMs) / stepMs)
  const toMs = (Math.floor(nowMs / stepMs) + 1) * stepMs
  const fromMs = toMs - steps * stepMs
  return { beforeMs: fromMs - steps * stepMs, fromMs, toMs, stepMs, steps }
}
