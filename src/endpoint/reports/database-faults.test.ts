import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createClient, type Transaction } from '@libsql/client'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noticesPath } from '../../contracts/notice.ts'
import { reportsPath } from '../../contracts/report.ts'
import { openFakeUpstream } from '../../testing/fake-upstream.ts'
import { openPostgres } from '../../testing/postgres-fixture.ts'
import { changeNotices } from '../cli/notice-command.ts'
import { createEndpoint } from '../create-endpoint.ts'
import { openGateway } from '../gateway/open-gateway.ts'
import { type Database, openReportDatabase } from './database.ts'
import { openReportStore, type ReportStore } from './report-store.ts'
import { createReportsPlugin } from './reports-plugin.ts'
import { takeReports } from './take-reports.ts'
import { createWaitForLock } from './wait-for-lock.ts'

const batch = () => ({
  version: 1 as const,
  device: crypto.randomUUID(),
  sentAtMs: 1_000,
  reports: [
    {
      kind: 'route',
      id: crypto.randomUUID(),
      atMs: 900,
      model: 'digits',
      ran: 'edge',
      reason: 'edge-faster',
      actualMs: 3,
    },
  ],
})

describe('SQLite beside another process that writes', () => {
  let dir: string
  let database: Database
  let other: ReturnType<typeof createClient>
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'hither-locked-'))
    database = await openReportDatabase({ dataDir: dir, lockWaitMs: 100 })
    other = createClient({ url: pathToFileURL(join(dir, 'reports.db')).href })
  })
  afterAll(async () => {
    other.close()
    await database.destroy()
    await rm(dir, { recursive: true })
  })
  const hold = async (): Promise<Transaction> => {
    const transaction = await other.transaction('write')
    await transaction.execute(
      "insert into notices (id, kind, body, created_ms) values (hex(randomblob(8)), 'x', '{}', 1)",
    )
    return transaction
  }
  const takes = async () => (await takeReports(database, batch(), 1_000)).accepted.length

  it('refuses in a sentence while the lock is held, and takes reports at once when it is free', async () => {
    const held = await hold()
    const refused = { code: 'cloud-overloaded', message: expect.stringContaining('Another program has been writing') }
    await expect(takes()).rejects.toMatchObject(refused)
    await expect(takes()).rejects.toMatchObject(refused)
    const notice = { id: 'a', kind: 'message', body: '{}', created_ms: 1, until_ms: 2 }
    await expect(database.insertInto('notices').values(notice).execute()).rejects.toMatchObject(refused)
    await held.commit()
    for (let count = 0; count < 5; count += 1) expect(await takes()).toBe(1)
    await database.insertInto('notices').values(notice).execute()
    const free = await hold()
    await free.rollback()
  })

  it('waits for a lock that is given back meanwhile', async () => {
    const patient = await openReportDatabase({ dataDir: dir, lockWaitMs: 60_000 })
    const held = await hold()
    const waiting = [1, 2, 3].map(() => takeReports(patient, batch(), 1_000))
    await expect(takes()).rejects.toMatchObject({ code: 'cloud-overloaded' })
    await held.commit()
    expect((await Promise.all(waiting)).map(({ accepted }) => accepted.length)).toEqual([1, 1, 1])
    await patient.destroy()
  })

  it('a statement that fails in a transaction spoils none of the next ones', async () => {
    const broken = database.transaction().execute(async (transaction) => {
      const notice = { id: 'b', kind: 'message', body: '{}', created_ms: 1, until_ms: 2 }
      await transaction.insertInto('notices').values([notice, notice]).execute()
    })
    await expect(broken).rejects.toThrow(/UNIQUE/)
    for (let count = 0; count < 3; count += 1) expect(await takes()).toBe(1)
  })

  it('leaves nothing of a refused transaction behind that would keep a later one from its commit', async () => {
    const client = createClient({ url: pathToFileURL(join(dir, 'reports.db')).href })
    const begin = () => createWaitForLock(client, 50)(() => client.transaction('write'))
    const held = await hold()
    await expect(begin()).rejects.toMatchObject({ code: 'cloud-overloaded' })
    await held.commit()
    const transaction = await begin()
    await transaction.execute("delete from notices where kind = 'x'")
    await transaction.commit()
    client.close()
  })

  it.runIf(process.platform === 'linux')('opens no more files the longer it waits', async () => {
    const files = async () => (await readdir('/proc/self/fd')).length
    const before = await files()
    const held = await hold()
    for (let count = 0; count < 20; count += 1) await takes().catch(() => {})
    expect(await files()).toBeLessThan(before + 20)
    await held.rollback()
  })

  it('the command waits its turn, and says who is in the way', async () => {
    const held = await hold()
    const command = (...args: string[]) => changeNotices(['--data', dir, ...args], {}, 1_000, { lockWaitMs: 50 })
    await expect(command('--message', 'Hello.')).rejects.toMatchObject({
      message: expect.stringMatching(/^Another program has been writing to the database of reports for .*try again/),
    })
    const patient = changeNotices(['--data', dir, '--message', 'Hello.'], {}, 1_000)
    await held.commit()
    expect(await patient).toContain('Hello.')
  })
})

/** A way to PostgreSQL that can fall silent: connections are taken, and nothing comes back. */
async function openSilentWay(target: number) {
  const sockets = new Set<Socket>()
  let silent = false
  const server: Server = createServer((socket) => {
    const onward = connect(target, '127.0.0.1')
    for (const each of [socket, onward]) sockets.add(each.on('error', () => {}))
    socket.on('data', (chunk) => silent || onward.write(chunk))
    onward.on('data', (chunk) => silent || socket.write(chunk))
    socket.on('close', () => onward.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `postgres://hither@127.0.0.1:${(server.address() as AddressInfo).port}/postgres`,
    fallSilent: () => {
      silent = true
    },
    speak: () => {
      silent = false
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** Long enough for a busy machine: only a silent server takes them all. */
const times = { connectMs: 3_000, queryMs: 3_000, closeMs: 300 }

it('a PostgreSQL that takes connections and never says anything is given up at the start', async () => {
  const way = await openSilentWay(1)
  way.fallSilent()
  await expect(openReportDatabase({ url: way.url, times: { ...times, connectMs: 300 } })).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining("The database for reports can't be used"),
  })
  way.close()
})

it.each([
  ['a way to log in that there is not', 'R\0\0\0\x08\0\0\0\x63'],
  ['zeros', '\0'.repeat(1000)],
  ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['a hand-shake that it does not keep to', 'R\0\0\0\x0c\0\0\0\x0a\0\0\0\0'],
])('a PostgreSQL that answers nonsense is refused in a sentence: %s', async (_, says) => {
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.write(says, 'latin1')))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `postgres://hither@127.0.0.1:${(server.address() as AddressInfo).port}/postgres`
  const refused = { code: 'config-invalid', message: expect.stringContaining("The database for reports can't be used") }
  const database = openReportDatabase({ url, times: { ...times, connectMs: 1_000 } })
  await expect(database).rejects.toMatchObject(refused)
  server.close()
})

const postgres = await openPostgres()
afterAll(async () => {
  if (!('missing' in postgres)) await postgres.close()
})

const servers = 'url' in postgres ? [postgres.url] : []
if ('missing' in postgres) process.stdout.write(`Skipped on PostgreSQL: ${postgres.missing}.\n`)

describe.each(servers)('a PostgreSQL that falls silent', (url) => {
  it('holds up neither reports nor notices, is used again when it answers, and does not keep the endpoint from closing', async () => {
    const way = await openSilentWay(Number(new URL(url).port))
    const store = await openReportStore({ url: way.url, times })
    const upstream = await openFakeUpstream()
    const gateway = await openGateway({ upstreams: [upstream.url] })
    const { app, close } = await createEndpoint({
      ...gateway,
      logger: false,
      plugins: [...(gateway.plugins ?? []), createReportsPlugin({ store })],
    })
    const post = () => app.inject({ method: 'POST', url: reportsPath, payload: batch() })
    const read = () => app.inject({ url: noticesPath })
    expect((await post()).statusCode).toBe(200)

    way.fallSilent()
    // More than it has connections: those that wait for one are answered, too.
    const answers = await Promise.all([...Array.from({ length: 12 }, post), ...Array.from({ length: 4 }, read)])
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(16).fill(503))
    expect(answers[0]?.headers['retry-after']).toBe('5')
    expect((await app.inject({ url: '/v2/health/live' })).statusCode).toBe(200)

    way.speak()
    expect((await post()).json().accepted).toHaveLength(1)
    expect((await read()).json()).toEqual({ notices: [] })

    way.fallSilent()
    const last = post()
    await close()
    expect((await last).statusCode).toBe(503)
    way.close()
    await upstream.stop()
  }, 60_000)

  it('gives up a statement that takes too long, and answers the next one', async () => {
    const database = await openReportDatabase({ url, times })
    await expect(sql`select pg_sleep(60)`.execute(database)).rejects.toThrow('did not answer within 3 s')
    expect((await sql`select 1 as one`.execute(database)).rows).toEqual([{ one: 1 }])
    await database.destroy()
  }, 60_000)
})

it('a database that never comes back is answered for in time', async () => {
  const never = new Promise<never>(() => {})
  const silent = { currentNotices: () => never, removeOld: () => never, close: async () => {} }
  const upstream = await openFakeUpstream()
  const gateway = await openGateway({ upstreams: [upstream.url] })
  const plugin = createReportsPlugin({ store: silent as unknown as ReportStore, limitMs: 50 })
  const { app, close } = await createEndpoint({ ...gateway, logger: false, plugins: [plugin] })
  const answer = await app.inject({ url: noticesPath })
  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5'])
  await close()
  await upstream.stop()
})
