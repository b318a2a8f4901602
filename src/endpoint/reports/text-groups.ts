import { type OpsOverview, textGroupings } from '../../contracts/ops.ts'
import type { Database } from './database.ts'
import { groupBy } from './overview-counts.ts'
import type { Period } from './period.ts'

/** Answers that are looked at: those of a page are few beside these, and no query grows without an end. */
const mostAnswers = 50_000
const mostGroups = 200

interface WrittenText {
  readonly model: string
  readonly arm: string
  readonly browser: string
  readonly firstTokenMs: number
  readonly tokens: number
  readonly tokenMs: number | null
  readonly moves: number
}

/** The value that this share of them does not pass. */
function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null
}

/** First token, tokens a second and moves of the texts of a period, by model, arm and browser. */
export async function readTextGroups(
  database: Database,
  { fromMs, toMs }: Pick<Period, 'fromMs' | 'toMs'>,
  model: string | undefined,
): Promise<NonNullable<OpsOverview['texts']>> {
  let select = database
    .selectFrom('reports')
    .select(['model', 'arm', 'browser', 'actual_ms', 'tokens', 'token_ms', 'moves'])
    .where('kind', '=', 'route')
    .where('tokens', 'is not', null)
    .where('at_ms', '>=', fromMs)
    .where('at_ms', '<', toMs)
    .orderBy('at_ms', 'desc')
    .limit(mostAnswers)
  if (model !== undefined) select = select.where('model', '=', model)
  const texts = (await select.execute()).map(
    (row): WrittenText => ({
      model: row.model ?? '',
      arm: row.arm ?? '',
      browser: row.browser ?? '',
      firstTokenMs: Number(row.actual_ms ?? 0),
      // Whole numbers come as texts from some databases.
      tokens: Number(row.tokens ?? 0),
      tokenMs: row.token_ms === null ? null : Number(row.token_ms),
      moves: Number(row.moves ?? 0),
    }),
  )
  return textGroupings.flatMap((by) =>
    [...groupBy(texts, (text) => text[by])]
      .filter(([key]) => key !== '')
      .map(([key, some]) => ({ by, key, ...summaryOf(some) }))
      .sort((a, b) => b.answered - a.answered)
      .slice(0, mostGroups),
  )
}

function summaryOf(texts: readonly WrittenText[]) {
  const begun = texts.filter(({ tokens }) => tokens > 0).map(({ firstTokenMs }) => firstTokenMs)
  // Over all tokens: a long answer says more than a short one.
  const timed = texts.flatMap(({ tokens, tokenMs }) =>
    tokenMs === null || tokens < 2 ? [] : [{ tokens: tokens - 1, ms: (tokens - 1) * tokenMs }],
  )
  const sum = (values: readonly number[]) => values.reduce((all, each) => all + each, 0)
  const timedMs = sum(timed.map(({ ms }) => ms))
  return {
    answered: texts.length,
    firstTokenP50Ms: quantile(begun, 0.5),
    firstTokenP95Ms: quantile(begun, 0.95),
    tokensPerSecond: timedMs > 0 ? (1_000 * sum(timed.map(({ tokens }) => tokens))) / timedMs : null,
    moves: sum(texts.map(({ moves }) => moves)),
  }
}
