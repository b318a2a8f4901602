import type { Database } from './database.ts'

/**
 * Removes reports that are older than their age, and notices that are over; the counts by the hour stay.
 *
 * @returns reports removed
 */
export async function removeOld(database: Database, nowMs: number, keepMs: number): Promise<number> {
  const { numDeletedRows } = await database
    .deleteFrom('reports')
    .where('at_ms', '<', nowMs - keepMs)
    .executeTakeFirst()
  await database.deleteFrom('notices').where('until_ms', '<', nowMs).execute()
  return Number(numDeletedRows)
}
