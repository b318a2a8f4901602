import { noFigure } from './no-figure.ts'

const space = '\u00a0'

/** A duration for people: `0.42 ms`, `7.1 ms`, `240 ms`, `1.24 s`, `2 min 5 s`; a dash where there is none. */
export function formatMs(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms) || ms < 0) return noFigure
  if (ms < 0.995) return `${ms.toFixed(2)}${space}ms`
  if (ms < 9.95) return `${ms.toFixed(1)}${space}ms`
  if (ms < 999.5) return `${Math.round(ms)}${space}ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)}${space}s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}${space}min${space}${seconds % 60}${space}s`
}
