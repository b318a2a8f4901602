import type { Client, InValue, Transaction } from '@libsql/client'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { CloudError } from '../../errors/cloud-error.ts'
import { invariant } from '../../utils/invariant.ts'
import { createSerialQueue } from '../../utils/serial-queue.ts'
import type { WaitForLock } from './wait-for-lock.ts'

/**
 * Kysely on `@libsql/client`. The dialect that libSQL's makers publish brings an older client of its own, and with it a
 * second native library; this one takes the client that is here.
 *
 * SQLite has one writer: one connection is lent at a time. For another process that writes it waits.
 */
export function createLibsqlDialect(client: Client, waitForLock: WaitForLock): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => createLibsqlDriver(client, waitForLock),
    createIntrospector: (database) => new SqliteIntrospector(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

interface LibsqlConnection extends DatabaseConnection {
  transaction?: Transaction | undefined
  release(): void
}

/** While another process writes for long, those that wait must not fill the memory. */
const maxWaiting = 256

function createLibsqlDriver(client: Client, waitForLock: WaitForLock): Driver {
  const queue = createSerialQueue()
  const end = async (connection: DatabaseConnection, how: 'commit' | 'rollback') => {
    const { transaction } = connection as LibsqlConnection
    ;(connection as LibsqlConnection).transaction = undefined
    await transaction?.[how]()
  }
  return {
    async init() {},
    acquireConnection: () =>
      new Promise((lend, refuse) => {
        if (queue.size >= maxWaiting) {
          refuse(
            new CloudError('cloud-overloaded', 'The database of reports has too much to do; try again in a moment.', {
              context: { status: 503, retryAfterMs: 5_000 },
            }),
          )
          return
        }
        void queue.add(() => new Promise<void>((release) => lend(createConnection(client, waitForLock, release))))
      }),
    async releaseConnection(connection) {
      ;(connection as LibsqlConnection).release()
    },
    async beginTransaction(connection) {
      ;(connection as LibsqlConnection).transaction = await waitForLock(async () => {
        // In one call, which leaves nothing open when it fails: each connection with a statement in it is two open files.
        await client.executeMultiple('begin immediate; rollback')
        return client.transaction('write')
      })
    },
    commitTransaction: (connection) => end(connection, 'commit'),
    rollbackTransaction: (connection) => end(connection, 'rollback'),
    async destroy() {
      client.close()
    },
  }
}

function createConnection(client: Client, waitForLock: WaitForLock, release: () => void): LibsqlConnection {
  const connection: LibsqlConnection = {
    release,
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      const statement = { sql, args: parameters as InValue[] }
      const { transaction } = connection
      const { rows, rowsAffected } = await (transaction === undefined
        ? waitForLock(() => client.execute(statement))
        : transaction.execute(statement))
      return { rows: rows as unknown as R[], numAffectedRows: BigInt(rowsAffected) }
    },
    // biome-ignore lint/correctness/useYield: the interface asks for a generator, and this database can't stream
    async *streamQuery() {
      invariant(false, 'SQLite answers in one piece.')
    },
  }
  return connection
}
