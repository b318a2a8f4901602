import * as v from 'valibot'
import type { newNoticeSchema } from '../../contracts/notice.ts'
import { batchSchema } from '../../contracts/report.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { type Database, type DatabaseOptions, openReportDatabase } from './database.ts'
import { addNotice, currentNotices, removeNotice } from './notices.ts'
import { type OverviewOptions, readOverview } from './overview.ts'
import { toOverviewCsv } from './overview-csv.ts'
import type { Period } from './period.ts'
import { removeOld } from './retention.ts'
import { takeReports } from './take-reports.ts'

/** What the thread of the report store offers. */
export function createStoreMethods(where: DatabaseOptions) {
  let database: Promise<Database> | undefined
  const open = () => {
    database ??= openReportDatabase(where)
    return database
  }
  return {
    async open() {
      await open()
      return { value: undefined }
    },
    async take(body: Uint8Array, served: readonly string[], nowMs: number) {
      const batch = parseBatch(body)
      return { value: await keepingCode(takeReports(await open(), batch, nowMs, new Set(served))) }
    },
    async addNotice(notice: v.InferOutput<typeof newNoticeSchema>, nowMs: number) {
      return { value: await keepingCode(addNotice(await open(), notice, nowMs)) }
    },
    async removeNotice(id: string) {
      return { value: await keepingCode(removeNotice(await open(), id)) }
    },
    async currentNotices(nowMs: number) {
      return { value: await keepingCode(currentNotices(await open(), nowMs)) }
    },
    async overview(period: Period, options: OverviewOptions, form: 'json' | 'csv') {
      const overview = await keepingCode(readOverview(await open(), period, options))
      const value = new TextEncoder().encode(form === 'json' ? JSON.stringify(overview) : toOverviewCsv(overview))
      return { value, transfer: [value.buffer] }
    },
    async removeOld(nowMs: number, keepMs: number) {
      return { value: await keepingCode(removeOld(await open(), nowMs, keepMs)) }
    },
    async close() {
      await (await database)?.destroy()
      return { value: undefined }
    },
  }
}

export type StoreMethods = ReturnType<typeof createStoreMethods>

/** A database's error crosses threads by its name alone: its sentence may quote what reports held. */
async function keepingCode<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (typeof code !== 'string') throw error
    throw Object.assign(new Error('The database failed.'), { name: code })
  }
}

function parseBatch(body: Uint8Array): v.InferOutput<typeof batchSchema> {
  const parsed = v.safeParse(batchSchema, parseJson(body))
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  // Valibot's sentence quotes what it received: that stays out of answers and logs.
  throw new ValidationError('options-invalid', `These are no reports: look at ${v.getDotPath(issue) ?? 'the body'}.`)
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new ValidationError('options-invalid', 'The body is no JSON.', { cause })
  }
}
