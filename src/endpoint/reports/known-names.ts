import { type Kysely, sql } from 'kysely'
import type { Tables, TotalsRow } from './database.ts'

/** Stands for all names beyond those that are counted one by one. */
export const otherName = '(other)'

/**
 * Names that are counted one by one, of each kind. Whoever may report chooses them: without a limit the counts, which
 * are kept for ever, would grow with every new name.
 */
export const nameLimits = { model: 300, revision: 1000, browser: 40, code: 200 } as const
type NameKind = keyof typeof nameLimits

const dayMs = 86_400_000
/** A name that was not reported for so long gives its place to another one. */
export const nameKeepMs = 30 * dayMs

/** Names are looked up so many at a time: databases limit a query's parameters. */
const chunk = 500

/** A revision is one of a model's. */
const revisionKey = (model: string, revision: string) => `${model}@${revision}`

const keysOf = ({ model, revision, browser, code }: TotalsRow): readonly (readonly [NameKind, string])[] => [
  ['model', model],
  ...(revision === '' ? [] : [['revision', revisionKey(model, revision)] as const]),
  ['browser', browser],
  ['code', code],
]

/**
 * The same counts with the names beyond the limits replaced by `(other)`. New names are added as long as there is room.
 *
 * @param served models that run here: their names are always counted
 */
export async function boundNames(
  database: Kysely<Tables>,
  totals: readonly TotalsRow[],
  nowMs: number,
  served: ReadonlySet<string>,
): Promise<TotalsRow[]> {
  const asked = new Map<string, { readonly kind: NameKind; readonly name: string; readonly isServed: boolean }>()
  for (const row of totals) {
    const isServed = served.has(row.model)
    for (const [kind, name] of keysOf(row)) {
      if (name !== '')
        asked.set(`${kind} ${name}`, { kind, name, isServed: isServed && (kind === 'model' || kind === 'revision') })
    }
  }
  const known = await lookUp(database, [...asked.values()], nowMs)
  // In one order for all: two endpoints that add the same names must not block each other.
  const fresh = [...asked].filter(([key]) => !known.has(key)).sort(([a], [b]) => (a < b ? -1 : 1))
  if (fresh.length > 0) {
    const room = await roomLeft(database)
    const added = fresh.flatMap(([key, { kind, name, isServed }]) => {
      if (!isServed && room[kind] <= 0) return []
      room[kind] -= 1
      known.add(key)
      return [{ kind, name, last_ms: nowMs }]
    })
    for (let at = 0; at < added.length; at += chunk) {
      await database
        .insertInto('names')
        .values(added.slice(at, at + chunk))
        .onConflict((conflict) => conflict.columns(['kind', 'name']).doNothing())
        .execute()
    }
  }
  const bounded = (kind: NameKind, name: string, key = name) =>
    name === '' || known.has(`${kind} ${key}`) ? name : otherName
  return totals.map((row) => ({
    ...row,
    model: bounded('model', row.model),
    revision: bounded('revision', row.revision, revisionKey(row.model, row.revision)),
    browser: bounded('browser', row.browser),
    code: bounded('code', row.code),
  }))
}

/** Those that are counted one by one already. Their day is noted, once a day. */
async function lookUp(
  database: Kysely<Tables>,
  asked: readonly { readonly kind: NameKind; readonly name: string }[],
  nowMs: number,
): Promise<Set<string>> {
  const known = new Set<string>()
  for (const kind of Object.keys(nameLimits) as NameKind[]) {
    const names = asked.filter((each) => each.kind === kind).map(({ name }) => name)
    for (let at = 0; at < names.length; at += chunk) {
      const some = names.slice(at, at + chunk).sort()
      const rows = await database
        .selectFrom('names')
        .select(['name', 'last_ms'])
        .where('kind', '=', kind)
        .where('name', 'in', some)
        .execute()
      for (const { name } of rows) known.add(`${kind} ${name}`)
      const old = rows.filter(({ last_ms }) => last_ms < nowMs - dayMs).map(({ name }) => name)
      if (old.length === 0) continue
      await database
        .updateTable('names')
        .set({ last_ms: nowMs })
        .where('kind', '=', kind)
        .where('name', 'in', old.sort())
        .execute()
    }
  }
  return known
}

async function roomLeft(database: Kysely<Tables>): Promise<Record<NameKind, number>> {
  const rows = await database
    .selectFrom('names')
    .select(['kind', sql<number>`count(*)`.as('count')])
    .groupBy('kind')
    .execute()
  const room: Record<NameKind, number> = { ...nameLimits }
  for (const { kind, count } of rows) if (kind in room) room[kind as NameKind] -= Number(count)
  return room
}
