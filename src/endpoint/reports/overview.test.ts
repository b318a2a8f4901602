import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { opsOverviewSchema } from '../../contracts/ops.ts'
import type { Report } from '../../contracts/report.ts'
import { openPostgres, type PostgresFixture } from '../../testing/postgres-fixture.ts'
import { type Database, openReportDatabase } from './database.ts'
import { readOverview } from './overview.ts'
import { toOverviewCsv } from './overview-csv.ts'
import { periodOf } from './period.ts'
import { takeReports } from './take-reports.ts'

const nowMs = Date.parse('2026-06-15T12:34:56Z')
const hourMs = 3_600_000

const postgres = await openPostgres()
if ('missing' in postgres) process.stdout.write(`Skipped on PostgreSQL: ${postgres.missing}.\n`)
const kinds: readonly ('SQLite' | 'PostgreSQL')[] = 'missing' in postgres ? ['SQLite'] : ['SQLite', 'PostgreSQL']
afterAll(async () => {
  if (!('missing' in postgres)) await postgres.close()
})

describe.each(kinds)('the overview from %s', (kind) => {
  let dir: string
  let database: Database
  const report = (agoMs: number, extra: object): Report =>
    ({
      kind: 'route',
      id: crypto.randomUUID(),
      atMs: nowMs - agoMs,
      model: 'digits',
      revision: '1',
      ran: 'edge',
      backend: 'wasm',
      reason: 'edge-faster',
      actualMs: 20,
      ...extra,
    }) as Report
  const many = (count: number, agoMs: number, extra: object = {}) =>
    Array.from({ length: count }, () => report(agoMs, extra))
  const take = (browser: string, reports: readonly Report[], device: string = crypto.randomUUID(), atMs = nowMs) =>
    takeReports(
      database,
      { version: 1, device, sentAtMs: nowMs, browser: { family: browser, version: '1' }, reports },
      atMs,
    )

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'hither-overview-'))
    database = await openReportDatabase(
      kind === 'SQLite' ? { dataDir: dir } : { url: (postgres as PostgresFixture).url },
    )
    await take('Chrome', [
      ...many(60, hourMs, { actualMs: 10 }),
      ...many(40, 2 * hourMs, { actualMs: 1_000 }),
      ...many(36, hourMs, { ran: 'cloud', backend: undefined, actualMs: 80, computeMs: 4 }),
      ...many(36, hourMs, { ran: 'cloud', backend: undefined, actualMs: 80, computeMs: 6 }),
      ...many(30, 30 * hourMs, { actualMs: 10 }),
    ])
    await take('Firefox', [
      ...many(20, hourMs, { revision: '2', backend: 'webgpu', actualMs: 5 }),
      ...many(3, hourMs, { revision: '2', kind: 'failure', arm: 'edge', code: 'edge-device-lost' }),
      report(30 * hourMs, { kind: 'failure', arm: 'edge', code: 'edge-device-lost' }),
      report(hourMs, { ran: 'cloud', backend: undefined, attempts: [{ arm: 'edge', ms: 4, error: 'edge-crashed' }] }),
      { kind: 'counts', id: crypto.randomUUID(), atMs: nowMs, answered: 7, failed: 2 },
    ])
    await take('Firefox', many(1, hourMs, { model: 'other' }))
    await take('Chrome', [], crypto.randomUUID(), nowMs - 40 * hourMs)
  }, 60_000)
  afterAll(async () => {
    await database.destroy()
    await rm(dir, { recursive: true })
  })
  const read = (model?: string) => readOverview(database, periodOf(24, nowMs), { model })

  it('is what the contract says', async () => {
    const overview = await readOverview(database, periodOf(24, nowMs), {
      capacity: { workers: 2, busy: 1, waiting: 3 },
    })
    expect(v.parse(opsOverviewSchema, overview)).toEqual(overview)
    expect(overview.workers).toEqual({ count: 2, busy: 1, waiting: 3 })
    expect(overview.models).toEqual(['digits', 'other'])
  })

  it('counts requests of the period and of the one before', async () => {
    const { totals, before, series } = await read()
    expect(totals).toEqual({
      answered: 60 + 40 + 72 + 20 + 1 + 7 + 1,
      edge: 60 + 40 + 20 + 7 + 1,
      cloud: 73,
      failed: 5,
    })
    expect(before).toEqual({ answered: 30, edge: 30, cloud: 0, failed: 1 })
    expect(series.atMs).toHaveLength(24)
    expect(series.edge.slice(-3)).toEqual([40, 81, 7])
    expect(series.cloud.slice(-3)).toEqual([0, 73, 0])
    expect(series.edgeP50Ms.at(-3)).toBeCloseTo(1_000, -2)
    expect(series.edgeP50Ms.at(-4)).toBeNull()
  })

  it('gives percentiles by arm, model, backend and browser family', async () => {
    const { groups } = await read()
    const find = (by: string, key: string) => groups.find((group) => group.by === by && group.key === key)
    expect(find('arm', 'edge')).toMatchObject({ answered: 128, edge: 128, failed: 5 })
    expect(find('arm', 'edge')?.p50Ms).toBeCloseTo(10, 0)
    expect(find('arm', 'edge')?.p95Ms).toBeCloseTo(1_000, -2)
    expect(find('model', 'digits')).toMatchObject({ answered: 193, failed: 3 })
    expect(find('backend', 'webgpu')).toMatchObject({ answered: 20 })
    expect(find('browser', 'Firefox')).toMatchObject({ answered: 29, edge: 28, failed: 5 })
    expect((await read('other')).totals.answered).toBe(1)
  })

  it('shows failures with what they were before, also those that another arm made good', async () => {
    const { failures } = await read()
    expect(failures.map(({ code, arm, count, before }) => [code, arm, count, before])).toEqual([
      ['edge-device-lost', 'edge', 3, 1],
      ['edge-only-failed', 'edge', 2, 0],
      ['edge-crashed', 'edge', 1, 0],
    ])
    expect(failures[0]?.series.at(-2)).toBe(3)
  })

  it('names revisions that are slower than others or than before, and those that fail', async () => {
    const { revisions } = await read()
    const find = (revision: string) => revisions.find((each) => each.revision === revision && each.arm === 'edge')
    expect(find('1')).toMatchObject({ slow: true, failing: false })
    expect(find('2')).toMatchObject({ slow: false, failing: true, failed: 3 })
    expect(revisions[0]?.failing || revisions[0]?.slow).toBe(true)
  })

  it('counts the fleet, and gives what the plan stands on', async () => {
    const { fleet, load } = await read()
    expect(fleet).toMatchObject({ devices: 3, newDevices: 3 })
    expect(load.peakPerSecond).toBeCloseTo(73 / 3_600)
    expect(load).toMatchObject({ serviceMeanMs: 5, serviceSquareMs: 26 })
  })

  it('makes a table of it that no spreadsheet runs', async () => {
    await take('=cmd()', many(1, hourMs))
    const lines = toOverviewCsv(await read()).split('\r\n')
    expect(lines[0]).toBe(
      'from,to,by,key,answered,at the edge,failed,p50 ms,p95 ms,p99 ms,before,first token p50 ms,first token p95 ms,tokens per second,moves',
    )
    expect(new Set(lines.slice(0, -1).map((line) => line.split(',').length))).toEqual(new Set([15]))
    expect(lines.some((line) => line.includes(",browser,'=cmd(),1,1,0,"))).toBe(true)
    expect(lines.some((line) => line.includes(',failure,edge-device-lost (edge),,,3,,,,1,,,,'))).toBe(true)
  })

  it('adds up what no whole number holds', async () => {
    const most = Number.MAX_SAFE_INTEGER
    const row = {
      hour_ms: Math.floor(nowMs / hourMs) * hourMs,
      kind: 'route',
      revision: '',
      arm: 'edge',
      backend: '',
      browser: 'huge',
      code: '',
      bucket: 3,
      requests: most,
      payload_bytes: most,
    }
    await database
      .insertInto('totals')
      .values(['one', 'two'].map((model) => ({ ...row, model })))
      .execute()
    const dropped = { expired: most, full: most, lost: most, refused: most }
    const seen = { first_ms: nowMs, last_ms: nowMs, browser: 'huge', ...dropped }
    await database
      .insertInto('devices')
      .values(['one', 'two'].map((device) => ({ device, ...seen })))
      .execute()
    const { totals, fleet, groups } = v.parse(
      opsOverviewSchema,
      await readOverview(database, periodOf(24, nowMs), { model: undefined }),
    )
    expect(totals.edge / (2 * most)).toBeCloseTo(1, 5)
    expect(fleet.dropped.lost / (2 * most)).toBeCloseTo(1, 5)
    expect(groups.find(({ key }) => key === 'huge')?.answered).toBe(2 * most)
    await database.deleteFrom('totals').where('browser', '=', 'huge').execute()
    await database.deleteFrom('devices').where('browser', '=', 'huge').execute()
  })

  it('shows a bounded number of names, however many a database has from before they were bounded', async () => {
    const names = Array.from({ length: 3_000 }, (_, index) => `name-${index}`)
    const hour_ms = Math.floor(nowMs / hourMs) * hourMs
    const row = { hour_ms, kind: 'route', arm: 'edge', backend: '', browser: 'many', bucket: 3, payload_bytes: 0 }
    for (let from = 0; from < names.length; from += 500) {
      await database
        .insertInto('totals')
        .values(
          names.slice(from, from + 500).map((name) => ({ ...row, model: name, revision: name, code: '', requests: 1 })),
        )
        .execute()
    }
    const overview = await readOverview(database, periodOf(24, nowMs), {})
    expect(overview.models).toHaveLength(500)
    expect(overview.revisions).toHaveLength(1_000)
    expect(overview.groups.filter(({ by }) => by === 'model')).toHaveLength(500)
    expect(overview.groups.find(({ key }) => key === 'many')?.answered).toBe(3_000)
    await database.deleteFrom('totals').where('browser', '=', 'many').execute()
  })

  it('says of texts when their first token came, how fast the rest, and how often they moved', async () => {
    const text = (extra: object, writing: object) =>
      report(hourMs, { model: 'tales', ...extra, writing: { tokens: 101, moves: 0, ...writing } })
    await take('Safari', [
      text({ actualMs: 100 }, { tokenMs: 20 }),
      text({ actualMs: 300 }, { tokenMs: 60 }),
      text({ actualMs: 900, ran: 'cloud', backend: undefined }, { moves: 2 }),
      report(hourMs, { model: 'tales' }),
    ])
    const { texts = [] } = v.parse(opsOverviewSchema, await read('tales'))
    expect(texts).toMatchObject([
      {
        by: 'model',
        key: 'tales',
        answered: 3,
        firstTokenP50Ms: 300,
        firstTokenP95Ms: 900,
        tokensPerSecond: 25,
        moves: 2,
      },
      { by: 'arm', key: 'edge', answered: 2, firstTokenP95Ms: 300, tokensPerSecond: 25, moves: 0 },
      { by: 'arm', key: 'cloud', answered: 1, firstTokenP50Ms: 900, tokensPerSecond: null, moves: 2 },
      { by: 'browser', key: 'Safari', answered: 3 },
    ])
    expect((await read('digits')).texts).toEqual([])
    const csv = toOverviewCsv(await read('tales'))
    expect(csv).toContain(',text by arm,cloud,1,,,,,,,900,900,,2\r\n')
    expect(csv).toContain(',text by arm,edge,2,,,,,,,300,300,25,0\r\n')
  })
})
