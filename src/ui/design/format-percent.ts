import { noFigure } from './no-figure.ts'

/** A probability for people: `97.2 %`; `< 0.1 %` for next to nothing, `100 %` from 99.95 on. */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return noFigure
  const percent = 100 * Math.min(1, Math.max(0, share))
  if (percent > 0 && percent < 0.1) return '<\u00a00.1\u00a0%'
  return `${percent < 99.95 ? percent.toFixed(1) : '100'}\u00a0%`
}
