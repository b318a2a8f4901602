import type { Database } from './database.ts'
import { nameKeepMs } from './known-names.ts'

/**
 * Removes reports that are older than their age, names that nobody reports any more, and notices that are over; the
 * counts by the hour stay.
 *
 * @returns reports removed
 */
export async function removeOld(database: Database, nowMs: number, keepMs: number): Promise<number> {
  const { numDeletedRows } = await database
    .deleteFrom('reports')
    .where('at_ms', '<', nowMs - keepMs)
    .executeTakeFirst()
  await database
    .deleteFrom('names')
    .where('last_ms', '<', nowMs - nameKeepMs)
    .execute()
  await database.deleteFrom('notices').where('until_ms', '<', nowMs).execute()
  return Number(numDeletedRows)
}
