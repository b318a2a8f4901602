import * as v from 'valibot'
import { type Acknowledgement, type Batch, type Report, reportSchema } from '../../contracts/report.ts'
import type { Database, ReportRow, TotalsRow } from './database.ts'
import { bucketOf } from './time-buckets.ts'

const hourMs = 3_600_000
/** A report can't be older than any outbox keeps one, whatever its device's clock says. */
const oldestMs = 400 * 86_400_000

/** A batch whose reports are still to be checked. */
export type UncheckedBatch = Omit<Batch, 'reports'> & { readonly reports: readonly unknown[] }

/**
 * Counts each report of a batch that was not counted before, in one transaction: when this resolves, the disk has it.
 *
 * @param nowMs this endpoint's clock, in milliseconds since the epoch
 */
export async function takeReports(database: Database, batch: UncheckedBatch, nowMs: number): Promise<Acknowledgement> {
  const rows = new Map<string, ReportRow>()
  const rejected: { id: string; reason: string }[] = []
  for (const candidate of batch.reports) {
    const parsed = v.safeParse(reportSchema, candidate)
    if (parsed.success) rows.set(parsed.output.id, toRow(parsed.output, batch, nowMs))
    else rejected.push({ id: idOf(candidate), reason: parsed.issues[0]?.message ?? 'not a report' })
  }
  const added = await database.transaction().execute(async (transaction) => {
    const fresh =
      rows.size === 0
        ? []
        : await transaction
            .insertInto('reports')
            .values([...rows.values()])
            .onConflict((conflict) => conflict.column('id').doNothing())
            .returning('id')
            .execute()
    const ids = new Set(fresh.map(({ id }) => id))
    const totals = toTotals(
      [...rows.values()].filter(({ id }) => ids.has(id)),
      batch,
    )
    if (totals.length > 0) {
      await transaction
        .insertInto('totals')
        .values(totals)
        .onConflict((conflict) =>
          conflict
            .columns(['hour_ms', 'kind', 'model', 'revision', 'arm', 'backend', 'browser', 'code', 'bucket'])
            .doUpdateSet(({ eb, ref }) => ({
              requests: eb(ref('totals.requests'), '+', ref('excluded.requests')),
              payload_bytes: eb(ref('totals.payload_bytes'), '+', ref('excluded.payload_bytes')),
            })),
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
  const known = [...rows.keys()]
  return {
    accepted: known.filter((id) => added.has(id)),
    duplicates: known.filter((id) => !added.has(id)),
    rejected,
  }
}

const idOf = (candidate: unknown): string =>
  typeof candidate === 'object' && candidate !== null && 'id' in candidate && typeof candidate.id === 'string'
    ? candidate.id.slice(0, 100)
    : ''

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
  }
}

/** The counts that these reports add, in one order for all: two endpoints that add to the same ones must not block each other. */
function toTotals(rows: readonly ReportRow[], batch: UncheckedBatch): TotalsRow[] {
  const totals = new Map<string, TotalsRow>()
  const add = (row: ReportRow, requests: number, own: Partial<TotalsRow>) => {
    const total: TotalsRow = {
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
    }
    const { requests: _, payload_bytes: __, ...key } = total
    const name = JSON.stringify(Object.values(key))
    const before = totals.get(name)
    if (before === undefined) totals.set(name, total)
    else {
      before.requests += requests
      before.payload_bytes += total.payload_bytes
    }
  }
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
      if (attempt.error !== undefined) {
        add(row, 1, {
          kind: 'attempt',
          arm: attempt.arm,
          code: attempt.error,
          bucket: bucketOf(attempt.ms),
          payload_bytes: 0,
        })
      }
    }
  }
  return [...totals].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total)
}
