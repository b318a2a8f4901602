import { sql } from 'kysely'
import type { Acknowledgement, Batch, Report } from '../../contracts/report.ts'
import type { Database, ReportRow, TotalsRow } from './database.ts'
import { boundNames } from './known-names.ts'
import { readReport, wellFormedTexts } from './read-report.ts'
import { bucketOf } from './time-buckets.ts'

const hourMs = 3_600_000
/** A report can't be older than any outbox keeps one, whatever its device's clock says. */
const oldestMs = 400 * 86_400_000

/** A batch whose reports are still to be checked. */
export type UncheckedBatch = Omit<Batch, 'reports'> & { readonly reports: readonly unknown[] }

/** Largest count that is kept: a sum beyond it could not be read as a number any more. */
const maxCount = Number.MAX_SAFE_INTEGER

/**
 * Counts each report of a batch that was not counted before, in one transaction: when this resolves, the disk has it.
 * Where the database refuses what they hold, they are taken one by one, so that the bad one alone is refused.
 *
 * @param nowMs this endpoint's clock, in milliseconds since the epoch
 * @param served models that run here: they are always counted by their names
 */
export async function takeReports(
  database: Database,
  unchecked: UncheckedBatch,
  nowMs: number,
  served: ReadonlySet<string> = new Set(),
): Promise<Acknowledgement> {
  const { browser } = unchecked
  const batch = browser === undefined ? unchecked : { ...unchecked, browser: wellFormedTexts(browser) }
  const rows = new Map<string, ReportRow>()
  const rejected: { id: string; reason: string }[] = []
  for (const candidate of batch.reports) {
    const read = readReport(candidate)
    if ('report' in read) rows.set(read.report.id, toRow(read.report, batch, nowMs))
    else rejected.push(read)
  }
  const store = (some: readonly ReportRow[]) => storeRows(database, some, batch, nowMs, served)
  const added = new Set<string>()
  const add = async (some: readonly ReportRow[]) => {
    for (const id of await store(some)) added.add(id)
  }
  try {
    await add([...rows.values()])
  } catch (error) {
    if (!isDataError(error) || rows.size === 0) throw error
    for (const row of rows.values()) {
      try {
        await add([row])
      } catch (reason) {
        if (!isDataError(reason)) throw reason
        rows.delete(row.id)
        rejected.push({ id: row.id, reason: 'the database does not take what it holds' })
      }
    }
  }
  const known = [...rows.keys()]
  return {
    accepted: known.filter((id) => added.has(id)),
    duplicates: known.filter((id) => !added.has(id)),
    rejected,
  }
}

/** Does the database refuse the values, whenever they come again? By SQLSTATE's classes, or SQLite's names. */
function isDataError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const isOfSqlite = /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code)
  return /^(2[123]|54)...$/.test(code) || isOfSqlite || error instanceof RangeError
}

/** @returns the ids that were not there before */
const storeRows = (
  database: Database,
  rows: readonly ReportRow[],
  batch: UncheckedBatch,
  nowMs: number,
  served: ReadonlySet<string>,
): Promise<ReadonlySet<string>> =>
  database.transaction().execute(async (transaction) => {
    const fresh =
      rows.length === 0
        ? []
        : await transaction
            .insertInto('reports')
            .values(rows)
            .onConflict((conflict) => conflict.column('id').doNothing())
            .returning('id')
            .execute()
    const ids = new Set(fresh.map(({ id }) => id))
    const counted = toTotals(
      rows.filter(({ id }) => ids.has(id)),
      batch,
    )
    const totals = joinTotals(await boundNames(transaction, counted, nowMs, served))
    if (totals.length > 0) {
      await transaction
        .insertInto('totals')
        .values(totals)
        .onConflict((conflict) =>
          conflict
            .columns(['hour_ms', 'kind', 'model', 'revision', 'arm', 'backend', 'browser', 'code', 'bucket'])
            .doUpdateSet({ requests: cappedSum('requests'), payload_bytes: cappedSum('payload_bytes') }),
        )
        .execute()
    }
    const { expired = 0, full = 0, lost = 0, refused = 0 } = batch.dropped ?? {}
    const seen = { last_ms: nowMs, browser: batch.browser?.family ?? '', expired, full, lost, refused }
    await transaction
      .insertInto('devices')
      .values({ device: batch.device, first_ms: nowMs, ...seen })
      .onConflict((conflict) => conflict.column('device').doUpdateSet(seen))
      .execute()
    return ids
  })

/** Neither database may overflow: PostgreSQL would refuse the batch for ever, SQLite go on with rounded numbers. */
function cappedSum(column: 'requests' | 'payload_bytes') {
  const [before, added] = [sql.ref(`totals.${column}`), sql.ref(`excluded.${column}`)]
  const most = sql.lit(maxCount)
  return sql<number>`case when ${before} > ${most} - ${added} then ${most} else ${before} + ${added} end`
}

function toRow(report: Report, batch: UncheckedBatch, nowMs: number): ReportRow {
  // Both times are by the device's clock, so that what is wrong with it cancels out.
  const ageMs = Math.min(Math.max(0, batch.sentAtMs - report.atMs), oldestMs)
  const row: ReportRow = {
    id: report.id,
    device: batch.device,
    kind: report.kind,
    at_ms: Math.round(nowMs - ageMs),
    model: null,
    revision: null,
    arm: null,
    backend: null,
    adapter: null,
    browser: batch.browser?.family ?? null,
    browser_version: batch.browser?.version ?? null,
    code: null,
    reason: null,
    actual_ms: null,
    predicted_edge_ms: null,
    predicted_cloud_ms: null,
    payload_bytes: null,
    queue_ms: null,
    compute_ms: null,
    attempts: null,
    answer: null,
    tokens: null,
    token_ms: null,
    moves: null,
  }
  if (report.kind === 'counts') return { ...row, attempts: JSON.stringify([report.answered, report.failed]) }
  const about = {
    model: report.model,
    revision: report.revision ?? null,
    backend: report.backend ?? null,
    adapter: report.adapter ?? null,
    attempts: report.attempts === undefined ? null : JSON.stringify(report.attempts),
    actual_ms: report.actualMs ?? null,
  }
  if (report.kind === 'failure') return { ...row, ...about, arm: report.arm ?? null, code: report.code }
  return {
    ...row,
    ...about,
    arm: report.ran,
    reason: report.reason,
    predicted_edge_ms: report.predictedEdgeMs ?? null,
    predicted_cloud_ms: report.predictedCloudMs ?? null,
    payload_bytes: report.payloadBytes ?? null,
    queue_ms: report.queueMs ?? null,
    compute_ms: report.computeMs ?? null,
    answer: report.answer ?? null,
    tokens: report.writing?.tokens ?? null,
    token_ms: report.writing?.tokenMs ?? null,
    moves: report.writing?.moves ?? null,
  }
}

/** The counts that these reports add. */
function toTotals(rows: readonly ReportRow[], batch: UncheckedBatch): TotalsRow[] {
  const totals: TotalsRow[] = []
  const add = (row: ReportRow, requests: number, own: Partial<TotalsRow>) =>
    totals.push({
      hour_ms: Math.floor(row.at_ms / hourMs) * hourMs,
      kind: row.kind,
      model: row.model ?? '',
      revision: row.revision ?? '',
      arm: row.arm ?? '',
      backend: row.backend ?? '',
      browser: batch.browser?.family ?? '',
      code: row.code ?? '',
      bucket: bucketOf(row.actual_ms),
      requests,
      payload_bytes: row.payload_bytes ?? 0,
      ...own,
    })
  for (const row of rows) {
    if (row.kind === 'counts') {
      const [answered = 0, failed = 0] = JSON.parse(row.attempts ?? '[]') as number[]
      if (answered > 0) add(row, answered, { arm: 'edge', bucket: -1 })
      if (failed > 0) add(row, failed, { arm: 'edge', code: 'edge-only-failed', bucket: -1 })
      continue
    }
    add(row, 1, {})
    // An arm that failed before the other one answered is a failure, too.
    if (row.kind !== 'route') continue
    for (const attempt of JSON.parse(row.attempts ?? '[]') as { arm: string; ms: number; error?: string }[]) {
      if (attempt.error === undefined) continue
      const own = { kind: 'attempt', arm: attempt.arm, code: attempt.error, bucket: bucketOf(attempt.ms) }
      add(row, 1, { ...own, payload_bytes: 0 })
    }
  }
  return totals
}

/** Each count once, in one order for all: two endpoints that add to the same ones must not block each other. */
function joinTotals(rows: readonly TotalsRow[]): TotalsRow[] {
  const totals = new Map<string, TotalsRow>()
  for (const row of rows) {
    const { requests, payload_bytes, ...key } = row
    const name = JSON.stringify(Object.values(key))
    const before = totals.get(name)
    if (before === undefined) totals.set(name, { ...row })
    else {
      before.requests += requests
      before.payload_bytes += payload_bytes
    }
  }
  return [...totals].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total)
}
