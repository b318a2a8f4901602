import { noFigure } from './no-figure.ts'

const units = ['B', 'kB', 'MB', 'GB'] as const

/** A size for people, in decimal units as networks count them: `512 B`, `381 kB`, `14.3 MB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return noFigure
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${value < 99.95 && unit > 1 ? value.toFixed(1) : Math.round(value)}\u00a0${units[unit]}`
}
