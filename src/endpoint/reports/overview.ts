import { sql } from 'kysely'
import { type OpsOverview, opsGroupings } from '../../contracts/ops.ts'
import type { Capacity } from '../../protocol/server/capacity.ts'
import type { Database, TotalsRow } from './database.ts'
import type { Period } from './period.ts'
import { percentileOf } from './time-buckets.ts'

/** Fewer requests than this say nothing of a revision. */
const enoughRequests = 20
/** Share of failed requests from which a revision counts as failing. */
const failingShare = 0.05
/** A revision is slow that takes so many times what another one, or itself before, takes at the 95th percentile. */
const slowTimes = 1.5

type Column = 'kind' | 'arm' | 'model' | 'revision' | 'backend' | 'browser' | 'code' | 'bucket'

/** Everything that the operator's page shows of a period, from the counts by the hour. */
export async function readOverview(
  database: Database,
  period: Period,
  options: {
    readonly model?: string | undefined
    readonly capacity?: Pick<Capacity, 'workers' | 'busy' | 'waiting'> | undefined
  },
): Promise<OpsOverview> {
  const { fromMs, toMs, stepMs } = period
  const query = createQuery(database, period, options.model)
  const steps = await query(['kind', 'arm', 'code', 'bucket'])
  const groups = await Promise.all(
    opsGroupings.map(async (by) => toGroups(by, await query([by, 'arm', 'kind', 'code', 'bucket'], { whole: true }))),
  )
  const revisions = await query(['model', 'revision', 'arm', 'kind', 'code', 'bucket'], { whole: true, before: true })
  const models = await database
    .selectFrom('totals')
    .select('model')
    .distinct()
    .where('hour_ms', '>=', fromMs)
    .where('model', '!=', '')
    .orderBy('model')
    .execute()
  const { workers, busy, waiting } = options.capacity ?? {}
  return {
    fromMs,
    toMs,
    stepMs,
    models: models.map(({ model }) => model),
    totals: toTotals(steps.filter(({ at }) => at >= fromMs)),
    before: toTotals(steps.filter(({ at }) => at < fromMs)),
    series: toSeries(steps, period),
    groups: groups.flat(),
    failures: toFailures(steps, period),
    revisions: toRevisions(revisions, period),
    fleet: await readFleet(database, period),
    workers: workers === undefined ? null : { count: workers, busy: busy ?? 0, waiting: waiting ?? 0 },
    load: await readLoad(database, period, options.model),
  }
}

/** Counts of one combination of values. Columns that were not asked for are empty. */
interface Count {
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
const none = { kind: '', arm: '', model: '', revision: '', backend: '', browser: '', code: '', bucket: -1 }

const createQuery =
  (database: Database, { beforeMs, fromMs, toMs, stepMs }: Period, model: string | undefined) =>
  async (
    columns: readonly Column[],
    { whole = false, before = !whole }: { readonly whole?: boolean; readonly before?: boolean } = {},
  ): Promise<readonly Count[]> => {
    // Literals, and not parameters: PostgreSQL takes two parameters for two expressions, also where they are equal.
    const at = whole
      ? sql<number>`case when hour_ms < ${sql.lit(fromMs)} then ${sql.lit(beforeMs)} else ${sql.lit(fromMs)} end`
      : sql<number>`hour_ms - (hour_ms - ${sql.lit(beforeMs)}) % ${sql.lit(stepMs)}`
    let select = database
      .selectFrom('totals')
      .select([at.as('at'), ...columns])
      .select(({ fn }) => fn.sum<number>('requests').as('requests'))
      .where('hour_ms', '>=', before ? beforeMs : fromMs)
      .where('hour_ms', '<', toMs)
      .groupBy([at, ...columns])
    if (model !== undefined) select = select.where('model', '=', model)
    const rows = (await select.execute()) as (Partial<TotalsRow> & { at: number; requests: number })[]
    return rows.map((row) => ({ ...none, ...row, at: Number(row.at), requests: Number(row.requests) }))
  }

/** Of requests that had to stay on the device, a code says that they failed. */
const isAnswered = ({ kind, code }: Count) => kind === 'route' || (kind === 'counts' && code === '')
const isFailed = ({ kind, code }: Count) => kind === 'failure' || (kind === 'counts' && code !== '')
/** Also a run that failed before another one answered. */
const isFailure = (count: Count) => isFailed(count) || count.kind === 'attempt'

const sum = (counts: readonly Count[]): number => counts.reduce((total, { requests }) => total + requests, 0)

const toTotals = (counts: readonly Count[]): OpsOverview['totals'] => {
  const answered = counts.filter(isAnswered)
  return {
    answered: sum(answered),
    edge: sum(answered.filter(({ arm }) => arm === 'edge')),
    cloud: sum(answered.filter(({ arm }) => arm === 'cloud')),
    failed: sum(counts.filter(isFailed)),
  }
}

/** Percentile of what answered requests took, in milliseconds; null where none is known. */
function percentile(counts: readonly Count[], share: number): number | null {
  const buckets = new Map<number, number>()
  for (const count of counts) {
    if (count.kind === 'route') buckets.set(count.bucket, (buckets.get(count.bucket) ?? 0) + count.requests)
  }
  return percentileOf(buckets, share) ?? null
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}

function toSeries(counts: readonly Count[], { fromMs, stepMs, steps }: Period): OpsOverview['series'] {
  const atMs = Array.from({ length: steps }, (_, index) => fromMs + index * stepMs)
  const byStep = groupBy(counts, ({ at }) => String(at))
  const each = <T>(work: (counts: readonly Count[]) => T) => atMs.map((at) => work(byStep.get(String(at)) ?? []))
  const times = (arm: string, share: number) =>
    each((some) =>
      percentile(
        some.filter((count) => count.arm === arm),
        share,
      ),
    )
  return {
    atMs,
    edge: each((some) => toTotals(some).edge),
    cloud: each((some) => toTotals(some).cloud),
    failed: each((some) => toTotals(some).failed),
    edgeP50Ms: times('edge', 0.5),
    edgeP95Ms: times('edge', 0.95),
    cloudP50Ms: times('cloud', 0.5),
    cloudP95Ms: times('cloud', 0.95),
  }
}

function toGroups(by: (typeof opsGroupings)[number], counts: readonly Count[]): OpsOverview['groups'] {
  return [...groupBy(counts, (count) => count[by])]
    .filter(([key]) => key !== '')
    .map(([key, some]) => {
      const { answered, edge, failed } = toTotals(some)
      const at = (share: number) => percentile(some, share)
      return { by, key, answered, edge, failed, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) }
    })
    .filter(({ answered, failed }) => answered + failed > 0)
    .sort((a, b) => b.answered - a.answered)
}

function toFailures(counts: readonly Count[], { fromMs, stepMs, steps }: Period): OpsOverview['failures'] {
  const groups = groupBy(counts.filter(isFailure), ({ code, arm }) => JSON.stringify([code, arm]))
  return [...groups.values()]
    .map((some) => {
      const [{ code, arm } = none] = some
      const now = some.filter(({ at }) => at >= fromMs)
      const series = Array.from({ length: steps }, (_, index) =>
        sum(now.filter(({ at }) => at === fromMs + index * stepMs)),
      )
      return { code, arm, count: sum(now), before: sum(some) - sum(now), series }
    })
    .sort((a, b) => b.count - a.count || b.before - a.before)
}

function toRevisions(counts: readonly Count[], { fromMs }: Period): OpsOverview['revisions'] {
  const named = counts.filter(({ model, arm }) => model !== '' && arm !== '')
  const entries = [...groupBy(named, ({ model, revision, arm }) => JSON.stringify([model, revision, arm])).values()]
    .map((some) => {
      const [{ model, revision, arm } = none] = some
      const now = some.filter(({ at }) => at >= fromMs)
      const { answered } = toTotals(now)
      const failed = sum(now.filter(isFailure))
      const before = some.filter(({ at }) => at < fromMs)
      const isKnownBefore = toTotals(before).answered >= enoughRequests
      const p95Ms = percentile(now, 0.95)
      return {
        model,
        revision,
        arm,
        answered,
        failed,
        p95Ms,
        beforeP95Ms: isKnownBefore ? percentile(before, 0.95) : null,
      }
    })
    .filter(({ answered, failed }) => answered + failed > 0)
  return entries
    .map((entry) => {
      const { model, revision, arm, answered, failed, p95Ms, beforeP95Ms } = entry
      const others = entries
        .filter((other) => other.model === model && other.arm === arm && other.revision !== revision)
        .filter((other) => other.answered >= enoughRequests)
        .map((other) => other.p95Ms)
      const known = [beforeP95Ms, ...others].filter((ms) => ms !== null)
      const slow = answered >= enoughRequests && p95Ms !== null && known.some((ms) => p95Ms > slowTimes * ms)
      const asked = answered + failed
      return { ...entry, slow, failing: asked >= enoughRequests && failed / asked >= failingShare }
    })
    .sort((a, b) => Number(b.failing || b.slow) - Number(a.failing || a.slow) || b.answered - a.answered)
}

async function readFleet(database: Database, { fromMs }: Period): Promise<OpsOverview['fleet']> {
  const row = await database
    .selectFrom('devices')
    .select(({ fn }) => [
      fn.countAll<number>().as('devices'),
      fn.sum<number>(sql`case when first_ms >= ${sql.lit(fromMs)} then 1 else 0 end`).as('fresh'),
      fn.sum<number>('expired').as('expired'),
      fn.sum<number>('full').as('full'),
      fn.sum<number>('lost').as('lost'),
      fn.sum<number>('refused').as('refused'),
    ])
    .where('last_ms', '>=', fromMs)
    .executeTakeFirst()
  const number = (value: unknown) => Number(value ?? 0)
  return {
    devices: number(row?.devices),
    newDevices: number(row?.fresh),
    dropped: {
      expired: number(row?.expired),
      full: number(row?.full),
      lost: number(row?.lost),
      refused: number(row?.refused),
    },
  }
}

async function readLoad(
  database: Database,
  { fromMs, toMs }: Period,
  model: string | undefined,
): Promise<OpsOverview['load']> {
  const cloud = { kind: 'route', arm: 'cloud', ...(model === undefined ? {} : { model }) }
  const busiest = await database
    .selectFrom('totals')
    .select(({ fn }) => fn.sum<number>('requests').as('requests'))
    .where((where) => where.and(cloud))
    .where('hour_ms', '>=', fromMs)
    .where('hour_ms', '<', toMs)
    .groupBy('hour_ms')
    .orderBy('requests', 'desc')
    .executeTakeFirst()
  const service = await database
    .selectFrom('reports')
    .select(({ fn }) => [
      fn.avg<number | null>('compute_ms').as('mean'),
      fn.avg<number | null>(sql`compute_ms * compute_ms`).as('square'),
    ])
    .where((where) => where.and(cloud))
    .where('at_ms', '>=', fromMs)
    .where('compute_ms', 'is not', null)
    .executeTakeFirst()
  const number = (value: number | null | undefined) => (value === null || value === undefined ? null : Number(value))
  return {
    peakPerSecond: Number(busiest?.requests ?? 0) / 3600,
    serviceMeanMs: number(service?.mean),
    serviceSquareMs: number(service?.square),
  }
}
