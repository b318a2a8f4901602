import type { RouteParts } from '../../index.ts'

export interface TimePart {
  readonly name: keyof RouteParts | 'otherMs'
  readonly ms: number
  /** Of all parts together, 0 to 1. */
  readonly share: number
}

const order = ['prepareMs', 'queueMs', 'uploadMs', 'computeMs', 'downloadMs'] as const

/** A route's measured parts in the order in which they happened, and what they leave of the whole. */
export function splitParts(parts: RouteParts, actualMs: number): readonly TimePart[] {
  const measured = order.flatMap((name) => {
    const ms = parts[name]
    return ms !== undefined && ms > 0 ? [{ name, ms }] : []
  })
  const sum = measured.reduce((total, { ms }) => total + ms, 0)
  const otherMs = actualMs - sum
  // Less than this is how far the clocks of two machines and a worker disagree anyway.
  const all = otherMs > 0.02 * actualMs ? [...measured, { name: 'otherMs' as const, ms: otherMs }] : measured
  const total = all.reduce((whole, { ms }) => whole + ms, 0)
  return all.map((part) => ({ ...part, share: part.ms / total }))
}
