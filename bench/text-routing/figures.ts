import { mean, sortedQuantile } from '../routing/figures.ts'
import type { FirstTokens } from './first-token.ts'

/** What one policy did in a cell, or in all of them. */
export interface FirstFigures {
  readonly meanMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly wastedShare: number
  readonly cloudShare: number
  readonly raced: number
}

export function figuresOfFirst(sessions: readonly FirstTokens[]): FirstFigures {
  const all = new Float64Array(sessions.reduce((sum, { firstMs }) => sum + firstMs.length, 0))
  let [at, wasted, tokens] = [0, 0, 0]
  for (const session of sessions) {
    all.set(session.firstMs, at)
    at += session.firstMs.length
    wasted += session.wastedTokens
    tokens += session.tokens
  }
  const sorted = all.slice().sort()
  return {
    meanMs: mean(all),
    p50Ms: sortedQuantile(sorted, 0.5),
    p95Ms: sortedQuantile(sorted, 0.95),
    wastedShare: wasted / tokens,
    cloudShare: mean(sessions.map(({ cloudShare }) => cloudShare)),
    raced: mean(sessions.map(({ raced }) => raced)),
  }
}
