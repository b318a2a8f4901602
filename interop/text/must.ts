import type { Outcome } from '../checks.ts'

/** @throws {Error} with what was found instead */
export function must(isSo: boolean, what: unknown): asserts isSo {
  if (isSo) return
  throw new Error(what instanceof Error || typeof what === 'string' ? String(what) : JSON.stringify(what))
}

/** What a check found; `refused` where the other side does not offer it, and says so. */
export type Finding = string | { readonly refused: string }

/** Runs checks one after the other: one that fails does not keep the next ones from being tried. */
export async function runAll(checks: Readonly<Record<string, () => Promise<Finding>>>): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const [check, work] of Object.entries(checks)) {
    try {
      const found = await work()
      outcomes.push(
        typeof found === 'string'
          ? { check, result: 'works', detail: found }
          : { check, result: 'refused', detail: found.refused },
      )
    } catch (error) {
      outcomes.push({ check, result: 'fails', detail: String(error).slice(0, 300) })
    }
  }
  return outcomes
}
