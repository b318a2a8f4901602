import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import { type Notice, type newNoticeSchema, noticeSchema } from '../../contracts/notice.ts'
import type { Database } from './database.ts'

/** Tells devices something, until it is over or taken back. */
export async function addNotice(
  database: Database,
  { body, untilMs }: v.InferOutput<typeof newNoticeSchema>,
  nowMs: number,
): Promise<Notice> {
  const id = randomUUID()
  await database
    .insertInto('notices')
    .values({ id, kind: body.kind, body: JSON.stringify(body), created_ms: nowMs, until_ms: untilMs ?? null })
    .execute()
  return { id, createdMs: nowMs, body, ...(untilMs === undefined ? {} : { untilMs }) }
}

/** @returns false when there is none of this name */
export async function removeNotice(database: Database, id: string): Promise<boolean> {
  const { numDeletedRows } = await database.deleteFrom('notices').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

/** What holds now, the newest first. */
export async function currentNotices(database: Database, nowMs: number): Promise<readonly Notice[]> {
  const rows = await database
    .selectFrom('notices')
    .selectAll()
    .where((where) => where.or([where('until_ms', 'is', null), where('until_ms', '>', nowMs)]))
    .orderBy('created_ms', 'desc')
    .limit(200)
    .execute()
  return rows.flatMap((row) => {
    const untilMs = row.until_ms ?? undefined
    const parsed = v.safeParse(noticeSchema, {
      id: row.id,
      createdMs: row.created_ms,
      body: JSON.parse(row.body),
      ...(untilMs === undefined ? {} : { untilMs }),
    })
    return parsed.success ? [parsed.output] : []
  })
}
