import type { OpsOverview } from '../../contracts/ops.ts'

/** A spreadsheet must take text for text, also where it begins like a formula. */
function toCell(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const toLines = (rows: readonly (readonly (string | number | null)[])[]): string =>
  rows.map((row) => `${row.map(toCell).join(',')}\r\n`).join('')

/** The groups, texts, failures and revisions of a period as one table. */
export function toOverviewCsv({ fromMs, toMs, groups, texts = [], failures, revisions }: OpsOverview): string {
  const period = [new Date(fromMs).toISOString(), new Date(toMs).toISOString()]
  const header = [
    'from',
    'to',
    'by',
    'key',
    'answered',
    'at the edge',
    'failed',
    'p50 ms',
    'p95 ms',
    'p99 ms',
    'before',
    'first token p50 ms',
    'first token p95 ms',
    'tokens per second',
    'moves',
  ]
  const noText = header.slice(-4).map(() => null)
  return toLines([
    header,
    ...groups.map(({ by, key, answered, edge, failed, p50Ms, p95Ms, p99Ms }) => [
      ...period,
      by,
      key,
      answered,
      edge,
      failed,
      p50Ms,
      p95Ms,
      p99Ms,
      null,
      ...noText,
    ]),
    ...texts.map(({ by, key, answered, firstTokenP50Ms, firstTokenP95Ms, tokensPerSecond, moves }) => [
      ...period,
      `text by ${by}`,
      key,
      answered,
      ...[null, null, null, null, null, null],
      firstTokenP50Ms,
      firstTokenP95Ms,
      tokensPerSecond,
      moves,
    ]),
    ...failures.map(({ code, arm, count, before }) => [
      ...period,
      'failure',
      `${code}${arm === '' ? '' : ` (${arm})`}`,
      null,
      null,
      count,
      null,
      null,
      null,
      before,
      ...noText,
    ]),
    ...revisions.map(({ model, revision, arm, answered, failed, p95Ms, beforeP95Ms }) => [
      ...period,
      'revision',
      `${model}@${revision} (${arm})`,
      answered,
      null,
      failed,
      null,
      p95Ms,
      null,
      beforeP95Ms,
      ...noText,
    ]),
  ])
}
