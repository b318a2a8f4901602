import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createClient } from '@libsql/client'
import { Kysely, Migrator, sql } from 'kysely'
import { ConfigError } from '../../errors/config-error.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { createLibsqlDialect } from './libsql-dialect.ts'
import { migrations } from './migrations.ts'
import { createPostgresDialect, type PostgresTimes, postgresTimes } from './postgres-dialect.ts'
import { createWaitForLock } from './wait-for-lock.ts'

/** A report as it is kept until its age is up. Columns that do not apply are null. */
export interface ReportRow {
  id: string
  device: string
  kind: string
  /** When the request started, in milliseconds since the epoch, by this endpoint's clock. */
  at_ms: number
  model: string | null
  revision: string | null
  arm: string | null
  backend: string | null
  adapter: string | null
  browser: string | null
  browser_version: string | null
  /** A failure's code. */
  code: string | null
  reason: string | null
  actual_ms: number | null
  predicted_edge_ms: number | null
  predicted_cloud_ms: number | null
  payload_bytes: number | null
  queue_ms: number | null
  compute_ms: number | null
  /** JSON. */
  attempts: string | null
  /** JSON, only where the site asked for answers. */
  answer: string | null
  /** Of a text: its tokens, the time for each after the first, and how often another place went on with it. */
  tokens: number | null
  token_ms: number | null
  moves: number | null
}

/** Counts by the hour, kept for ever: what all figures of the operator's page come from. Empty text is "none". */
export interface TotalsRow {
  hour_ms: number
  kind: string
  model: string
  revision: string
  arm: string
  backend: string
  browser: string
  code: string
  /** Bucket of the time it took; -1 where none is known. */
  bucket: number
  requests: number
  payload_bytes: number
}

/** An installation that has reported, and what its outbox had to drop in all. */
export interface DeviceRow {
  device: string
  first_ms: number
  last_ms: number
  browser: string
  expired: number
  full: number
  lost: number
  refused: number
}

/** What an operator tells devices. */
export interface NoticeRow {
  id: string
  kind: string
  /** JSON. */
  body: string
  created_ms: number
  until_ms: number | null
}

/** A name of a report that is counted one by one; those beyond the limits are counted together. */
export interface NameRow {
  kind: string
  name: string
  /** When it was last reported, within a day. */
  last_ms: number
}

export interface Tables {
  reports: ReportRow
  totals: TotalsRow
  devices: DeviceRow
  notices: NoticeRow
  names: NameRow
}

export type Database = Kysely<Tables>

export interface DatabaseOptions {
  /** `postgres://…`: for several endpoints that share one. */
  readonly url?: string | undefined
  /** Folder of an embedded SQLite database, made if it is not there. */
  readonly dataDir?: string | undefined
  /** Milliseconds to wait for another process that writes to the SQLite database. Default 5,000. */
  readonly lockWaitMs?: number | undefined
  /** What the PostgreSQL server is waited for. */
  readonly times?: PostgresTimes | undefined
}

/** Bringing the schema up to date may change every row. */
const migrationMs = 120_000

/**
 * Opens the database and brings its schema up to date. Several endpoints may do so at once.
 *
 * @throws {ConfigError} `config-invalid`: it can't be reached, is in use by another program, or its schema is newer than
 *   this program
 */
export async function openReportDatabase(options: DatabaseOptions): Promise<Database> {
  const { times = postgresTimes } = options
  let migrating = false
  const queryMs = () => ({ ...times, queryMs: migrating ? Math.max(migrationMs, times.queryMs) : times.queryMs })
  let database: Kysely<Tables> | undefined
  try {
    database = new Kysely<Tables>({ dialect: await toDialect(options, queryMs) })
    // Before it may take its time, it has to answer.
    await sql`select 1`.execute(database)
    migrating = true
    const { error } = await new Migrator({
      db: database,
      provider: { getMigrations: async () => migrations },
    }).migrateToLatest()
    if (error) throw error
    migrating = false
    return database
  } catch (cause) {
    await database?.destroy().catch(() => {})
    if (cause instanceof ConfigError) throw cause
    throw new ConfigError('config-invalid', whyNot(cause), { cause })
  }
}

function whyNot(cause: unknown): string {
  // Kysely calls a schema corrupted that has more steps than this program knows.
  if (cause instanceof Error && /previously executed migration .* is missing/.test(cause.message)) {
    return 'The database for reports was written by a newer version of hither-endpoint: start that version or a newer one. Nothing was changed.'
  }
  return isHitherError(cause) ? cause.message : `The database for reports can't be used: ${String(cause)}`
}

async function toDialect({ url, dataDir, lockWaitMs = 5_000 }: DatabaseOptions, times: () => PostgresTimes) {
  if (url !== undefined) {
    if (!/^postgres(ql)?:\/\//.test(url)) {
      throw new ConfigError('config-invalid', 'DATABASE_URL must start with postgres://.')
    }
    return createPostgresDialect(url, times)
  }
  if (dataDir === undefined) throw new ConfigError('config-invalid', 'A database needs a folder or an address.')
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const client = createClient({ url: pathToFileURL(join(dataDir, 'reports.db')).href })
  // An acknowledged report must survive a power cut, so each commit goes to the disk: that is SQLite's default, also with a log.
  const waitForLock = createWaitForLock(client, lockWaitMs)
  await waitForLock(() => client.execute('pragma journal_mode = wal'))
  return createLibsqlDialect(client, waitForLock)
}
