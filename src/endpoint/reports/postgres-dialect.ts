import { Socket } from 'node:net'
import { PostgresDialect, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { within } from '../../utils/within.ts'

/** Milliseconds that the server may take. One that accepts connections and then says nothing must hold up nobody. */
export interface PostgresTimes {
  /** For a connection, its hand-shake included, and for one of the pool to become free. */
  readonly connectMs: number
  /** For one statement. */
  readonly queryMs: number
  /** For saying good-bye. */
  readonly closeMs: number
}

export const postgresTimes: PostgresTimes = { connectMs: 5_000, queryMs: 8_000, closeMs: 2_000 }

/** Kysely on `pg`, with an end to each wait. */
export function createPostgresDialect(url: string, times: () => PostgresTimes): PostgresDialect {
  const sockets = new Set<Socket>()
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    types: { getTypeParser: (oid: number, format?: 'text' | 'binary') => parserOf(oid, format) },
    connectionTimeoutMillis: times().connectMs,
    keepAlive: true,
    stream: () => {
      const socket = failOnThrow(new Socket())
      sockets.add(socket)
      return socket.once('close', () => sockets.delete(socket))
    },
  })
  // A connection that ends while nobody uses it is replaced; unheard, the event would end the process.
  pool.on('error', () => {})
  return new PostgresDialect({
    pool: {
      connect: async () => guard(await pool.connect(), () => times().queryMs),
      async end() {
        const late = new Error('PostgreSQL did not close its connections in time.')
        await within(pool.end(), times().closeMs, () => late).catch((error: unknown) => {
          if (error !== late) throw error
        })
        for (const socket of sockets) socket.destroy()
      },
    },
  })
}

/**
 * What a listener throws at data fails the connection. pg throws where a server does not speak as it should, and nobody
 * could catch that: it would end the process or the thread.
 */
function failOnThrow(socket: Socket): Socket {
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...args: unknown[]) => boolean
  socket.emit = ((event: string | symbol, ...args: unknown[]) => {
    if (event !== 'data') return emit(event, ...args)
    try {
      return emit(event, ...args)
    } catch (error) {
      socket.destroy(error instanceof Error ? error : new Error(String(error)))
      return true
    }
  }) as Socket['emit']
  return socket
}

/** A client whose statements end. After one that did not, the connection is given up: its answer may still come. */
function guard(client: pg.PoolClient, limitMs: () => number): PostgresPoolClient {
  let lost = false
  const query = async (sql: string, parameters: readonly unknown[]) => {
    if (lost) throw new Error('The connection to PostgreSQL was given up.')
    const queryMs = limitMs()
    try {
      const late = () => new Error(`PostgreSQL did not answer within ${queryMs / 1000} s.`)
      return await within(client.query(sql, [...parameters]), queryMs, late)
    } catch (error) {
      lost ||= !(error instanceof pg.DatabaseError)
      throw error
    }
  }
  return {
    query: query as unknown as PostgresPoolClient['query'],
    release: () => client.release(lost),
  }
}

// Sums and counts come as text by default, for fear of their size; ours fit.
const bigintOid = 20
const numericOid = 1700
const parserOf = (oid: number, format?: 'text' | 'binary') =>
  oid === bigintOid || oid === numericOid ? Number : pg.types.getTypeParser(oid, format)
