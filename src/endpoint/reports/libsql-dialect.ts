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
import { invariant } from '../../utils/invariant.ts'
import { createSerialQueue } from '../../utils/serial-queue.ts'

/**
 * Kysely on `@libsql/client`. The dialect that libSQL's makers publish brings an older client of its own, and with it a
 * second native library; this one takes the client that is here.
 *
 * SQLite has one writer: one connection is lent at a time.
 */
export function createLibsqlDialect(client: Client): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => createLibsqlDriver(client),
    createIntrospector: (database) => new SqliteIntrospector(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

interface LibsqlConnection extends DatabaseConnection {
  transaction?: Transaction | undefined
  release(): void
}

function createLibsqlDriver(client: Client): Driver {
  const queue = createSerialQueue()
  const end = async (connection: DatabaseConnection, how: 'commit' | 'rollback') => {
    const { transaction } = connection as LibsqlConnection
    ;(connection as LibsqlConnection).transaction = undefined
    await transaction?.[how]()
  }
  return {
    async init() {},
    acquireConnection: () =>
      new Promise((lend) => {
        void queue.add(() => new Promise<void>((release) => lend(createConnection(client, release))))
      }),
    async releaseConnection(connection) {
      ;(connection as LibsqlConnection).release()
    },
    async beginTransaction(connection) {
      ;(connection as LibsqlConnection).transaction = await client.transaction('write')
    },
    commitTransaction: (connection) => end(connection, 'commit'),
    rollbackTransaction: (connection) => end(connection, 'rollback'),
    async destroy() {
      client.close()
    },
  }
}

function createConnection(client: Client, release: () => void): LibsqlConnection {
  const connection: LibsqlConnection = {
    release,
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      const { rows, rowsAffected } = await (connection.transaction ?? client).execute({
        sql,
        args: parameters as InValue[],
      })
      return { rows: rows as unknown as R[], numAffectedRows: BigInt(rowsAffected) }
    },
    // biome-ignore lint/correctness/useYield: the interface asks for a generator, and this database can't stream
    async *streamQuery() {
      invariant(false, 'SQLite answers in one piece.')
    },
  }
  return connection
}
