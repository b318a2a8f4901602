import type { Box } from '../pictures/plane.ts'

/** Something found: where, what, and how sure. */
export interface Find {
  readonly box: Box
  /** Index of its label. */
  readonly label: number
  readonly score: number
}

/** More than any picture has: a broken model's thousands of finds must not take seconds. */
const maxFinds = 5_000

/** How much two boxes overlap: intersection over union, 0 to 1. */
export function overlapOf(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
  if (width <= 0 || height <= 0) return 0
  const shared = width * height
  return shared / (a.width * a.height + b.width * b.height - shared)
}

/** Non-maximum suppression: of finds that overlap by more than `maxOverlap`, the surest one. Surest first. */
export function keepMaxima(finds: readonly Find[], maxOverlap: number, byLabel: boolean): Find[] {
  const sorted = [...finds].sort((a, b) => b.score - a.score).slice(0, maxFinds)
  const kept: Find[] = []
  for (const find of sorted) {
    const hidden = kept.some(
      (other) => (!byLabel || other.label === find.label) && overlapOf(other.box, find.box) > maxOverlap,
    )
    if (!hidden) kept.push(find)
  }
  return kept
}
