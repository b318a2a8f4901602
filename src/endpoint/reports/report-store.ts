import type * as v from 'valibot'
import type { Notice, newNoticeSchema } from '../../contracts/notice.ts'
import type { Acknowledgement } from '../../contracts/report.ts'
import { openSideThread, scriptBeside } from '../threads/side-thread.ts'
import type { DatabaseOptions } from './database.ts'
import type { OverviewOptions } from './overview.ts'
import type { Period } from './period.ts'
import type { StoreMethods } from './store-methods.ts'

/**
 * Reports and notices, kept in a database. A thread of its own reads the bodies, checks the reports and asks the
 * database: SQLite answers in the thread that asks it, and grouping a year of counts takes it seconds.
 */
export interface ReportStore {
  /**
   * Counts the reports of a batch that were not counted before.
   *
   * @param body JSON; its memory is given away
   * @param served names of the models that run here
   * @throws {ValidationError} `options-invalid`: it is no batch of reports
   */
  take(body: Uint8Array<ArrayBuffer>, served: readonly string[], nowMs: number): Promise<Acknowledgement>
  addNotice(notice: v.InferOutput<typeof newNoticeSchema>, nowMs: number): Promise<Notice>
  /** @returns false when there is none of this name */
  removeNotice(id: string): Promise<boolean>
  currentNotices(nowMs: number): Promise<readonly Notice[]>
  /** What the operator's page shows of a period, as JSON or as a table. */
  overview(period: Period, options: OverviewOptions, form: 'json' | 'csv'): Promise<Uint8Array<ArrayBuffer>>
  /** @returns reports removed */
  removeOld(nowMs: number, keepMs: number): Promise<number>
  close(): Promise<void>
}

/** Milliseconds that connections have to be closed in order. */
const closeLimitMs = 5_000

/**
 * Opens the database in a thread and brings its schema up to date.
 *
 * @throws {ConfigError} `config-invalid`: it can't be reached, or its schema is newer than this program
 */
export async function openReportStore(where: DatabaseOptions): Promise<ReportStore> {
  const thread = openSideThread<StoreMethods>(scriptBeside('store-worker', import.meta.url), { data: where })
  try {
    await thread.call('open', [])
  } catch (error) {
    await thread.close()
    throw error
  }
  return {
    take: (body, served, nowMs) => thread.call('take', [body, served, nowMs], { transfer: [body.buffer] }),
    addNotice: (notice, nowMs) => thread.call('addNotice', [notice, nowMs]),
    removeNotice: (id) => thread.call('removeNotice', [id]),
    currentNotices: (nowMs) => thread.call('currentNotices', [nowMs]),
    overview: (period, options, form) => thread.call('overview', [period, options, form]),
    removeOld: (nowMs, keepMs) => thread.call('removeOld', [nowMs, keepMs]),
    async close() {
      await thread.call('close', [], { limitMs: closeLimitMs }).catch(() => {})
      await thread.close()
    },
  }
}
