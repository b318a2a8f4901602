import { createOutbox, type OutboxOptions } from './create-outbox.ts'
import { readEndpointNote } from './endpoint-note.ts'
import { openRecordSpace } from './record-space.ts'
import { reportSyncTag } from './register-sync.ts'

export interface ReportSyncOptions extends Pick<OutboxOptions, 'space' | 'locks' | 'fetch'> {
  /** Asked for a bearer token, where the endpoint wants one. Without it, reports to such an endpoint wait for a page. */
  readonly token?: () => string | Promise<string>
}

/**
 * Sends the reports that wait, from a service worker.
 *
 * @throws when some still wait: the browser then tries again
 */
export async function flushReports({ token, ...options }: ReportSyncOptions = {}): Promise<void> {
  const space = options.space ?? openRecordSpace()
  const note = await readEndpointNote(await space)
  if (note === undefined || (note.wantsToken && token === undefined)) return
  const outbox = createOutbox({ ...options, space, baseUrl: note.baseUrl, ...(note.wantsToken ? { token } : {}) })
  try {
    await outbox.flush()
    const { waiting, problem = 'another tab sends' } = await outbox.state()
    if (waiting > 0) throw new Error(`${waiting} reports still wait: ${problem}`)
  } finally {
    outbox.close()
  }
}

interface SyncEventLike extends Event {
  readonly tag: string
  waitUntil(work: Promise<unknown>): void
}

/**
 * Lets a service worker send reports when the network comes back and no page is open. Call it while the worker starts.
 *
 * @example
 * ```ts
 * import { listenForReportSync } from 'hither/report-sync'
 * listenForReportSync(self)
 * ```
 */
export function listenForReportSync(worker: EventTarget, options: ReportSyncOptions = {}): void {
  worker.addEventListener('sync', (event) => {
    const { tag, waitUntil } = event as SyncEventLike
    if (tag === reportSyncTag) waitUntil.call(event, flushReports(options))
  })
}
