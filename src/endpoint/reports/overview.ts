import { sql } from 'kysely'
import { type OpsOverview, opsGroupings } from '../../contracts/ops.ts'
import type { Capacity } from '../../protocol/server/capacity.ts'
import type { Database, TotalsRow } from './database.ts'
import { type Count, groupBy, isFailure, none, percentile, sum, toTotals } from './overview-counts.ts'
import type { Period } from './period.ts'
import { readTextGroups } from './text-groups.ts'

/** Fewer requests than this say nothing of a revision. */
const enoughRequests = 20
/** Share of failed requests from which a revision counts as failing. */
const failingShare = 0.05
/** A revision is slow that takes so many times what another one, or itself before, takes at the 95th percentile. */
const slowTimes = 1.5

/** Entries that are shown of each list. What is taken in is bounded, but a database may be older than those bounds. */
const most = { models: 500, groups: 500, failures: 200, revisions: 1000 }

type Column = 'kind' | 'arm' | 'model' | 'revision' | 'backend' | 'browser' | 'code' | 'bucket'

export interface OverviewOptions {
  /** Only what was reported of this one. */
  readonly model?: string | undefined
  /** What the engine says of its workers. */
  readonly capacity?: Pick<Capacity, 'workers' | 'busy' | 'waiting'> | undefined
}

/** Everything that the operator's page shows of a period, from the counts by the hour. */
export async function readOverview(database: Database, period: Period, options: OverviewOptions): Promise<OpsOverview> {
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
    .limit(most.models)
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
    texts: await readTextGroups(database, period, options.model),
    failures: toFailures(steps, period),
    revisions: toRevisions(revisions, period),
    fleet: await readFleet(database, period),
    workers: workers === undefined ? null : { count: workers, busy: busy ?? 0, waiting: waiting ?? 0 },
    load: await readLoad(database, period, options.model),
  }
}

/** As a floating-point number: whole ones beyond 2^53, in either database, would make the query fail. */
const sumOf = (column: string) => sql<number>`sum(cast(${sql.ref(column)} as double precision))`

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
      .select(sumOf('requests').as('requests'))
      .where('hour_ms', '>=', before ? beforeMs : fromMs)
      .where('hour_ms', '<', toMs)
      .groupBy([at, ...columns])
    if (model !== undefined) select = select.where('model', '=', model)
    const rows = (await select.execute()) as (Partial<TotalsRow> & { at: number; requests: number })[]
    return rows.map((row) => ({ ...none, ...row, at: Number(row.at), requests: Number(row.requests) }))
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
    .slice(0, most.groups)
}

function toFailures(counts: readonly Count[], { fromMs, stepMs, steps }: Period): OpsOverview['failures'] {
  const groups = groupBy(counts.filter(isFailure), ({ code, arm }) => JSON.stringify([code, arm]))
  return [...groups.values()]
    .map((some) => {
      const [{ code, arm } = none] = some
      const now = some.filter(({ at }) => at >= fromMs)
      const series = Array.from({ length: steps }, () => 0)
      for (const { at, requests } of now) {
        const step = (at - fromMs) / stepMs
        series[step] = (series[step] ?? 0) + requests
      }
      return { code, arm, count: sum(now), before: sum(some) - sum(now), series }
    })
    .sort((a, b) => b.count - a.count || b.before - a.before)
    .slice(0, most.failures)
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
  const fastest = fastestOf(entries)
  return entries
    .map((entry) => {
      const { model, revision, arm, answered, failed, p95Ms, beforeP95Ms } = entry
      const other = fastest(model, arm).find((each) => each.revision !== revision)
      const known = [beforeP95Ms, other?.p95Ms ?? null].filter((ms) => ms !== null)
      const slow = answered >= enoughRequests && p95Ms !== null && known.some((ms) => p95Ms > slowTimes * ms)
      const asked = answered + failed
      return { ...entry, slow, failing: asked >= enoughRequests && failed / asked >= failingShare }
    })
    .sort((a, b) => Number(b.failing || b.slow) - Number(a.failing || a.slow) || b.answered - a.answered)
    .slice(0, most.revisions)
}

type Timed = Pick<OpsOverview['revisions'][number], 'model' | 'revision' | 'arm' | 'answered' | 'p95Ms'>

/** The two fastest revisions of each model on each arm: one of them is another than the one that is looked at. */
function fastestOf(entries: readonly Timed[]) {
  const keyOf = ({ model, arm }: Pick<Timed, 'model' | 'arm'>) => JSON.stringify([model, arm])
  const known = entries.flatMap((entry) =>
    entry.answered >= enoughRequests && entry.p95Ms !== null ? [{ ...entry, p95Ms: entry.p95Ms }] : [],
  )
  const fastest = new Map(
    [...groupBy(known, keyOf)].map(([key, some]) => [key, [...some].sort((a, b) => a.p95Ms - b.p95Ms).slice(0, 2)]),
  )
  return (model: string, arm: string) => fastest.get(keyOf({ model, arm })) ?? []
}

async function readFleet(database: Database, { fromMs }: Period): Promise<OpsOverview['fleet']> {
  const row = await database
    .selectFrom('devices')
    .select(({ fn }) => [
      fn.countAll<number>().as('devices'),
      fn.sum<number>(sql`case when first_ms >= ${sql.lit(fromMs)} then 1 else 0 end`).as('fresh'),
      sumOf('expired').as('expired'),
      sumOf('full').as('full'),
      sumOf('lost').as('lost'),
      sumOf('refused').as('refused'),
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
    .select(sumOf('requests').as('requests'))
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
