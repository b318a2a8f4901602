import { type Kysely, type Migration, sql } from 'kysely'

/** The schema's history, in order. What is released is never changed: a change is a new entry. */
export const migrations: Record<string, Migration> = {
  '0001-reports': {
    async up(database: Kysely<unknown>) {
      await database.schema
        .createTable('reports')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('device', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('at_ms', 'bigint', (column) => column.notNull())
        .addColumn('model', 'text')
        .addColumn('revision', 'text')
        .addColumn('arm', 'text')
        .addColumn('backend', 'text')
        .addColumn('adapter', 'text')
        .addColumn('browser', 'text')
        .addColumn('browser_version', 'text')
        .addColumn('code', 'text')
        .addColumn('reason', 'text')
        .addColumn('actual_ms', 'double precision')
        .addColumn('predicted_edge_ms', 'double precision')
        .addColumn('predicted_cloud_ms', 'double precision')
        .addColumn('payload_bytes', 'bigint')
        .addColumn('queue_ms', 'double precision')
        .addColumn('compute_ms', 'double precision')
        .addColumn('attempts', 'text')
        .addColumn('answer', 'text')
        .execute()
      await database.schema.createIndex('reports_at').on('reports').column('at_ms').execute()
      await database.schema
        .createTable('totals')
        .addColumn('hour_ms', 'bigint', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('model', 'text', (column) => column.notNull())
        .addColumn('revision', 'text', (column) => column.notNull())
        .addColumn('arm', 'text', (column) => column.notNull())
        .addColumn('backend', 'text', (column) => column.notNull())
        .addColumn('browser', 'text', (column) => column.notNull())
        .addColumn('code', 'text', (column) => column.notNull())
        .addColumn('bucket', 'integer', (column) => column.notNull())
        .addColumn('requests', 'bigint', (column) => column.notNull())
        .addColumn('payload_bytes', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('totals_key', [
          'hour_ms',
          'kind',
          'model',
          'revision',
          'arm',
          'backend',
          'browser',
          'code',
          'bucket',
        ] as never)
        .execute()
      await database.schema
        .createTable('devices')
        .addColumn('device', 'text', (column) => column.primaryKey())
        .addColumn('first_ms', 'bigint', (column) => column.notNull())
        .addColumn('last_ms', 'bigint', (column) => column.notNull())
        .addColumn('browser', 'text', (column) => column.notNull())
        .addColumn('expired', 'bigint', (column) => column.notNull().defaultTo(sql`0`))
        .addColumn('full', 'bigint', (column) => column.notNull().defaultTo(sql`0`))
        .addColumn('lost', 'bigint', (column) => column.notNull().defaultTo(sql`0`))
        .addColumn('refused', 'bigint', (column) => column.notNull().defaultTo(sql`0`))
        .execute()
      await database.schema.createIndex('devices_last').on('devices').column('last_ms').execute()
      await database.schema
        .createTable('notices')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('body', 'text', (column) => column.notNull())
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .addColumn('until_ms', 'bigint')
        .execute()
    },
  },
  '0002-names': {
    async up(database: Kysely<unknown>) {
      await database.schema
        .createTable('names')
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('last_ms', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('names_key', ['kind', 'name'] as never)
        .execute()
    },
  },
  '0003-texts': {
    async up(database: Kysely<unknown>) {
      // One column a statement: SQLite takes no more.
      for (const [name, type] of [
        ['tokens', 'bigint'],
        ['token_ms', 'double precision'],
        ['moves', 'bigint'],
      ] as const) {
        await database.schema.alterTable('reports').addColumn(name, type).execute()
      }
    },
  },
}
