import type { OpsOverview } from '../../contracts/ops.ts'
import { percentileOf } from './time-buckets.ts'

/** Counts of one combination of values. Columns that were not asked for are empty. */
export interface Count {
  /** Start of its step; of the period, where steps were not asked for. */
  readonly at: number
  readonly kind: string
  readonly arm: string
  readonly model: string
  readonly revision: string
  readonly backend: string
  readonly browser: string
  readonly code: string
  readonly bucket: number
  readonly requests: number
}
export const none = { kind: '', arm: '', model: '', revision: '', backend: '', browser: '', code: '', bucket: -1 }

/** Of requests that had to stay on the device, a code says that they failed. */
export const isAnswered = ({ kind, code }: Count) => kind === 'route' || (kind === 'counts' && code === '')
const isFailed = ({ kind, code }: Count) => kind === 'failure' || (kind === 'counts' && code !== '')
/** Also a run that failed before another one answered. */
export const isFailure = (count: Count) => isFailed(count) || count.kind === 'attempt'

export const sum = (counts: readonly Count[]): number => counts.reduce((total, { requests }) => total + requests, 0)

export const toTotals = (counts: readonly Count[]): OpsOverview['totals'] => {
  const answered = counts.filter(isAnswered)
  return {
    answered: sum(answered),
    edge: sum(answered.filter(({ arm }) => arm === 'edge')),
    cloud: sum(answered.filter(({ arm }) => arm === 'cloud')),
    failed: sum(counts.filter(isFailed)),
  }
}

/** Percentile of what answered requests took, in milliseconds; null where none is known. */
export function percentile(counts: readonly Count[], share: number): number | null {
  const buckets = new Map<number, number>()
  for (const count of counts) {
    if (count.kind === 'route') buckets.set(count.bucket, (buckets.get(count.bucket) ?? 0) + count.requests)
  }
  return percentileOf(buckets, share) ?? null
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}
