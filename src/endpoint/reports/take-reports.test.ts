import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Report } from '../../contracts/report.ts'
import { openPostgres, type PostgresFixture } from '../../testing/postgres-fixture.ts'
import { type Database, openReportDatabase } from './database.ts'
import { nameLimits, otherName } from './known-names.ts'
import { removeOld } from './retention.ts'
import { takeReports, type UncheckedBatch } from './take-reports.ts'
import { bucketMs, bucketOf, percentileOf } from './time-buckets.ts'

const nowMs = Date.parse('2026-06-15T12:34:56Z')
const device = crypto.randomUUID()
const route = (extra: object = {}): Report => ({
  kind: 'route',
  id: crypto.randomUUID(),
  atMs: nowMs - 60_000,
  model: 'digits',
  revision: '1',
  ran: 'edge',
  backend: 'wasm',
  reason: 'edge-faster',
  actualMs: 20,
  ...extra,
})
const batch = (reports: readonly unknown[], extra: Partial<UncheckedBatch> = {}): UncheckedBatch => ({
  version: 1,
  device,
  sentAtMs: nowMs,
  browser: { family: 'Chrome', version: '156' },
  reports,
  ...extra,
})

const postgres = await openPostgres()
if ('missing' in postgres) process.stdout.write(`Skipped on PostgreSQL: ${postgres.missing}.\n`)
const kinds: readonly ('SQLite' | 'PostgreSQL')[] = 'missing' in postgres ? ['SQLite'] : ['SQLite', 'PostgreSQL']
afterAll(async () => {
  if (!('missing' in postgres)) await postgres.close()
})

describe.each(kinds)('reports in %s', (kind) => {
  let dir: string
  let database: Database
  const open = () =>
    openReportDatabase(kind === 'SQLite' ? { dataDir: dir } : { url: (postgres as PostgresFixture).url })
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'hither-reports-'))
    database = await open()
  }, 60_000)
  afterAll(async () => {
    await database.destroy()
    await rm(dir, { recursive: true })
  })
  const requests = async (where: object = {}) => {
    const rows = await database.selectFrom('totals').selectAll().execute()
    return rows
      .filter((row) => Object.entries(where).every(([key, value]) => row[key as keyof typeof row] === value))
      .reduce((sum, row) => sum + row.requests, 0)
  }

  it('counts each report once, however often and however many at a time it comes', async () => {
    const model = crypto.randomUUID()
    const reports = Array.from({ length: 100 }, (_, index) => route({ model, actualMs: index }))
    const first = await takeReports(database, batch(reports), nowMs)
    expect(first.accepted).toHaveLength(100)
    const again = await Promise.all([1, 2, 3].map(() => takeReports(database, batch(reports), nowMs)))
    for (const answer of again) expect(answer).toMatchObject({ accepted: [], rejected: [] })
    expect(await requests({ model })).toBe(100)
  })

  it('counts once what two send at the same moment', async () => {
    const model = crypto.randomUUID()
    const reports = Array.from({ length: 40 }, () => route({ model }))
    const answers = await Promise.all(
      [0, 1, 2, 3].map((index) => takeReports(database, batch(reports.slice(index * 5), {}), nowMs)),
    )
    expect(answers.flatMap(({ accepted }) => accepted)).toHaveLength(40)
    expect(await requests({ model })).toBe(40)
  })

  it('takes the good ones of a batch and names the bad ones', async () => {
    const bad = { ...route(), actualMs: Number.NaN }
    const good = route()
    const answer = await takeReports(database, batch([good, bad, 'nonsense', { ...good, id: 'x' }]), nowMs)
    expect(answer.accepted).toEqual([good.id])
    expect(answer.rejected.map(({ id }) => id)).toEqual([bad.id, '', 'x'])
  })

  it('puts a request into its true hour, though its clock is a year off', async () => {
    const model = crypto.randomUUID()
    const offMs = 365 * 86_400_000
    const reports = [route({ model, atMs: nowMs + offMs - 2 * 3_600_000 }), route({ model, atMs: nowMs + 9 * offMs })]
    await takeReports(database, batch(reports, { sentAtMs: nowMs + offMs }), nowMs)
    expect(await requests({ model, hour_ms: Date.parse('2026-06-15T10:00:00Z') })).toBe(1)
    expect(await requests({ model, hour_ms: Date.parse('2026-06-15T12:00:00Z') })).toBe(1)
  })

  it('counts failures by code, also those that another arm made good, and edge-only requests by number alone', async () => {
    const code = 'edge-device-lost'
    const id = crypto.randomUUID()
    const before = await requests({ code: 'edge-only-failed' })
    await takeReports(
      database,
      batch([
        { kind: 'failure', id, atMs: nowMs, model: 'digits', arm: 'edge', code, actualMs: 3 },
        route({ ran: 'cloud', attempts: [{ arm: 'edge', ms: 4, error: code }] }),
        { kind: 'counts', id: crypto.randomUUID(), atMs: nowMs, answered: 7, failed: 2 },
      ]),
      nowMs,
    )
    expect(await requests({ kind: 'failure', code })).toBe(1)
    expect(await requests({ kind: 'attempt', code })).toBe(1)
    expect(await requests({ code: 'edge-only-failed' })).toBe(before + 2)
  })

  it('remembers each device, and what its outbox dropped', async () => {
    const own = crypto.randomUUID()
    const dropped = { expired: 1, full: 2, lost: 3, refused: 4 }
    await takeReports(database, batch([], { device: own }), nowMs)
    await takeReports(database, batch([], { device: own, dropped }), nowMs + 5)
    const found = await database.selectFrom('devices').selectAll().where('device', '=', own).execute()
    expect(found).toEqual([{ device: own, first_ms: nowMs, last_ms: nowMs + 5, browser: 'Chrome', ...dropped }])
  })

  it('refuses what can not be true, and takes the rest of the batch', async () => {
    const counts = (answered: number) => ({ kind: 'counts', id: crypto.randomUUID(), atMs: nowMs, answered, failed: 0 })
    const good = [route(), counts(1e8)]
    const bad = [
      counts(Number.MAX_SAFE_INTEGER),
      counts(1e9),
      route({ payloadBytes: 2 ** 53 - 1 }),
      route({ model: 'a\0b' }),
      route({ answer: '\0' }),
      route({ attempts: [{ arm: 'edge', ms: 1, error: '\0' }] }),
    ]
    const answer = await takeReports(database, batch([...bad, ...good]), nowMs)
    expect(answer.accepted).toEqual(good.map(({ id }) => id))
    expect(answer.rejected.map(({ id }) => id)).toEqual(bad.map(({ id }) => id))
  })

  it('takes null for what may be left out, also in attempts', async () => {
    const model = crypto.randomUUID()
    const optional = {
      revision: null,
      backend: null,
      adapter: null,
      predictedEdgeMs: null,
      queueMs: null,
      answer: null,
    }
    const attempts = [
      { arm: 'edge', ms: 1, error: null },
      { arm: 'cloud', ms: 2, error: 'cloud-failed' },
    ]
    const failure = {
      kind: 'failure',
      id: crypto.randomUUID(),
      atMs: nowMs,
      model,
      code: 'x',
      arm: null,
      actualMs: null,
    }
    const answer = await takeReports(
      database,
      batch([route({ model, ...optional, attempts }), route({ model, attempts: null }), failure]),
      nowMs,
    )
    expect(answer).toMatchObject({ rejected: [], accepted: { length: 3 } })
    expect(await requests({ model })).toBe(4)
    // What has to be there may not be null, and what is null itself is no report.
    const refused = await takeReports(database, batch([route({ model: null }), null]), nowMs)
    expect(refused.rejected).toHaveLength(2)
  })

  it('keeps half of a surrogate pair as U+FFFD, so that two such names are one', async () => {
    const name = crypto.randomUUID()
    const halves = ['\ud800', '\udc00', '\ud83d']
    const reports = halves.map((half) =>
      route({ model: name + half, reason: half, answer: half, attempts: [{ arm: 'edge', ms: 1, error: name + half }] }),
    )
    const browser = { family: '\ud800', version: '\ud800' }
    const answer = await takeReports(database, batch(reports, { browser }), nowMs)
    expect(answer).toMatchObject({ rejected: [], accepted: { length: halves.length } })
    expect(await requests({ model: `${name}\ufffd`, kind: 'route', browser: '\ufffd' })).toBe(halves.length)
    expect(await requests({ code: `${name}\ufffd` })).toBe(halves.length)
  })

  it('refuses alone what the database does not take', async () => {
    // A trigger as an operator's own, or a column that another version made narrower.
    const named = 'refused by the database'
    const raise =
      kind === 'SQLite'
        ? [
            sql`create trigger narrow before insert on reports when new.model = ${sql.lit(named)}
                begin select raise(abort, 'too narrow'); end`,
          ]
        : [sql`alter table reports add constraint narrow check (model <> ${sql.lit(named)})`]
    for (const statement of raise) await statement.execute(database)
    const [first, bad, last] = [route(), route({ model: named }), route()]
    const answer = await takeReports(database, batch([first, bad, last]), nowMs)
    expect(answer.accepted).toEqual([first.id, last.id])
    expect(answer.rejected).toEqual([{ id: bad.id, reason: expect.stringContaining('database') }])
    await (kind === 'SQLite' ? sql`drop trigger narrow` : sql`alter table reports drop constraint narrow`).execute(
      database,
    )
  })

  it('keeps counts that are near 2^53, and adds to them no further', async () => {
    const model = crypto.randomUUID()
    await takeReports(database, batch([route({ model, payloadBytes: 1e12 })]), nowMs)
    const most = Number.MAX_SAFE_INTEGER
    await database
      .updateTable('totals')
      .set({ requests: most, payload_bytes: most })
      .where('model', '=', model)
      .execute()
    const more = route({ model, payloadBytes: 1e12 })
    expect((await takeReports(database, batch([more]), nowMs)).accepted).toEqual([more.id])
    const [row] = await database.selectFrom('totals').selectAll().where('model', '=', model).execute()
    expect(row).toMatchObject({ requests: most, payload_bytes: most })
    await database.deleteFrom('totals').where('model', '=', model).execute()
  })

  it('counts names beyond their number together, and those of the models that run here always', async () => {
    await database.deleteFrom('names').execute()
    const names = (prefix: string) => Array.from({ length: 450 }, (_, index) => `${prefix}-${index}`)
    const distinct = async (column: 'model' | 'revision' | 'code') =>
      (await database.selectFrom('totals').select(column).distinct().where('browser', '=', 'bounded').execute()).length
    const take = (reports: readonly Report[]) =>
      takeReports(
        database,
        batch(reports, { browser: { family: 'bounded', version: '1' } }),
        nowMs,
        new Set(['served']),
      )
    await take(names('a').map((model) => route({ model, revision: model })))
    await take(names('b').map((model) => route({ model, revision: model })))
    await take(
      names('c').map((code) => ({ kind: 'failure', id: crypto.randomUUID(), atMs: nowMs, model: 'a-1', code })),
    )
    await take([route({ model: 'served', revision: 'late' })])
    expect(await distinct('model')).toBe(nameLimits.model + 2)
    expect(await distinct('revision')).toBeLessThanOrEqual(nameLimits.revision + 3)
    expect(await distinct('code')).toBe(nameLimits.code + 2)
    expect(await requests({ model: 'served', browser: 'bounded' })).toBe(1)
    expect(await requests({ model: otherName })).toBe(900 - nameLimits.model)
    // A month later nobody has reported them again: others may have their place.
    await removeOld(database, nowMs + 40 * 86_400_000, 90 * 86_400_000)
    await take([route({ model: 'newcomer' })])
    expect(await requests({ model: 'newcomer' })).toBe(1)
  })

  it('removes reports when their age is up, and keeps the counts', async () => {
    const model = crypto.randomUUID()
    const old = route({ model, atMs: nowMs - 100 * 86_400_000 })
    await takeReports(database, batch([old, route({ model })]), nowMs)
    expect(await removeOld(database, nowMs, 90 * 86_400_000)).toBe(1)
    expect(await database.selectFrom('reports').selectAll().where('model', '=', model).execute()).toHaveLength(1)
    expect(await requests({ model })).toBe(2)
  })

  it('opens again with everything in it', async () => {
    const before = await requests()
    const second = await open()
    expect(await second.selectFrom('totals').selectAll().execute()).not.toHaveLength(0)
    await second.destroy()
    expect(await requests()).toBe(before)
  })
})

describe('a database of a newer version', () => {
  it('is left alone, with a sentence that says what to do', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hither-newer-'))
    const database = await openReportDatabase({ dataDir: dir })
    await sql`insert into kysely_migration (name, timestamp) values ('0999-later', '2030-01-01')`.execute(database)
    await database.destroy()
    const sentence = /written by a newer version of hither-endpoint/
    await expect(openReportDatabase({ dataDir: dir })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(sentence),
    })
    await rm(dir, { recursive: true })
  })
})

describe('time buckets', () => {
  it('give percentiles within 3 %', () => {
    const counts = new Map<number, number>()
    for (let ms = 1; ms <= 1_000; ms += 1) counts.set(bucketOf(ms), (counts.get(bucketOf(ms)) ?? 0) + 1)
    for (const share of [0.5, 0.95, 0.99]) {
      expect(Math.abs((percentileOf(counts, share) ?? 0) / (share * 1_000) - 1)).toBeLessThan(0.03)
    }
    expect(percentileOf(new Map([[-1, 5]]), 0.5)).toBeUndefined()
    expect([bucketOf(Number.NaN), bucketOf(null), bucketOf(-1)]).toEqual([-1, -1, -1])
    expect(bucketMs(bucketOf(1e12))).toBeGreaterThan(1e9)
  })
})
