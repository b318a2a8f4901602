import type { Report } from '../../dist/contracts/report.js'
import { createOutbox, type Outbox } from '../../dist/outbox/create-outbox.js'

/** Told of each report that the outbox has taken. */
declare const kept: undefined | ((id: string) => Promise<void>)

/** What is being told. A test that ends the browser at one of them must not be far behind. */
const told: Promise<void>[] = []
const mostUntold = 4

/** The built outbox on a page of its own, so that a test can fill it faster than a model answers. */
const outboxPage = {
  outbox: undefined as Outbox | undefined,
  /** Tokens made so far: each is a new one. */
  token: 0,
  open(options: { readonly offline?: boolean; readonly withToken?: boolean } = {}): void {
    this.outbox = createOutbox({
      baseUrl: location.origin,
      page: window,
      ...(options.withToken ? { token: () => `token-${++this.token}` } : {}),
      ...(options.offline ? { watcher: { online: false, onChange: () => () => {} } } : {}),
    })
  },
  /** @param own what a report has beside its id */
  async record(ids: readonly string[], own: Partial<Report> = {}): Promise<void> {
    for (const id of ids) {
      const route = {
        kind: 'route',
        id,
        atMs: Date.now(),
        model: 'digits',
        ran: 'edge',
        reason: 'edge-faster',
        actualMs: 5,
      }
      await this.outbox?.record({ kind: 'report', report: { ...route, ...own } as Report })
      if (typeof kept === 'function') told.push(kept(id))
      if (told.length > mostUntold) await told.shift()
    }
  },
  /** Ids of the reports that wait, in their order. */
  async waiting(): Promise<string[]> {
    const lines = ((await this.outbox?.export()) ?? '').split('\n').filter(Boolean)
    return lines
      .map((line) => JSON.parse(line))
      .flatMap(({ report, reason }) => (reason === undefined ? [report.id] : []))
  },
  async flushAll(): Promise<void> {
    while (((await this.outbox?.state())?.waiting ?? 0) > 0) await this.outbox?.flush()
  },
}
export type OutboxPage = typeof outboxPage
Object.assign(globalThis, { outboxPage })
