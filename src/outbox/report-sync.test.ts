import { expect, it, vi } from 'vitest'
import { createLocks } from '../models/chunks/locks.ts'
import { createManualTimers } from '../testing/manual-timers.ts'
import { createOutbox } from './create-outbox.ts'
import { createMemorySpace } from './record-space.ts'
import { registerReportSync, reportSyncTag } from './register-sync.ts'
import { flushReports, listenForReportSync } from './report-sync.ts'

const report = () => ({
  kind: 'route' as const,
  id: crypto.randomUUID(),
  atMs: 1,
  model: 'digits',
  ran: 'edge' as const,
  reason: 'edge-faster',
  actualMs: 1,
})

/** A page that recorded two reports while it was offline, and what a service worker of its origin is given. */
async function setUp(token?: () => string) {
  const space = Promise.resolve(createMemorySpace())
  const locks = createLocks(undefined)
  const onWaiting = vi.fn()
  const page = createOutbox({
    baseUrl: 'https://infer.example.com',
    token,
    space,
    locks,
    onWaiting,
    timers: createManualTimers(),
    watcher: { online: false, onChange: () => () => {} },
  })
  for (let index = 0; index < 2; index += 1) await page.record({ kind: 'report', report: report() })
  const asked: { readonly url: string; readonly token: string | null; readonly ids: readonly string[] }[] = []
  const fetch = async (url: string, init: RequestInit) => {
    const { reports } = JSON.parse(await new Response(init.body as BodyInit).text())
    const ids = reports.map(({ id }: { id: string }) => id)
    asked.push({ url, token: new Headers(init.headers).get('Authorization'), ids })
    return Response.json({ accepted: ids, duplicates: [], rejected: [] })
  }
  return { space, locks, page, onWaiting, asked, fetch: fetch as typeof globalThis.fetch }
}

it('sends from a service worker what a page could not', async () => {
  const { space, locks, page, onWaiting, asked, fetch } = await setUp()
  expect(onWaiting).toHaveBeenCalled()
  await flushReports({ space, locks, fetch })
  expect(asked).toMatchObject([{ url: 'https://infer.example.com/hither/v1/reports', ids: { length: 2 } }])
  expect((await page.state()).waiting).toBe(0)
})

it('leaves reports to an endpoint with tokens to a page, unless it is given one', async () => {
  const { space, locks, page, asked, fetch } = await setUp(() => 'the page its own')
  await flushReports({ space, locks, fetch })
  expect([asked.length, (await page.state()).waiting]).toEqual([0, 2])
  await flushReports({ space, locks, fetch, token: () => 'mine' })
  expect(asked.map(({ token }) => token)).toEqual(['Bearer mine'])
})

it('lets the browser try again when some still wait', async () => {
  const { space, locks } = await setUp()
  const fetch = (async () => Response.json({}, { status: 503 })) as typeof globalThis.fetch
  await expect(flushReports({ space, locks, fetch })).rejects.toThrow('2 reports still wait: cloud-overloaded')
})

it('answers its own sync and no other', async () => {
  const { space, locks, asked, fetch } = await setUp()
  const worker = new EventTarget()
  listenForReportSync(worker, { space, locks, fetch })
  const sync = (tag: string) => {
    const work: Promise<unknown>[] = []
    worker.dispatchEvent(
      Object.assign(new Event('sync'), { tag, waitUntil: (each: Promise<unknown>) => work.push(each) }),
    )
    return Promise.all(work)
  }
  await sync('somebody else')
  expect(asked).toEqual([])
  await sync(reportSyncTag)
  expect(asked).toHaveLength(1)
})

it('registers the sync where there is one', async () => {
  const register = vi.fn(async () => {})
  await registerReportSync({ getRegistration: async () => ({ sync: { register } }) as never })
  expect(register).toHaveBeenCalledWith(reportSyncTag)
  await registerReportSync({ getRegistration: async () => undefined })
  await registerReportSync({ getRegistration: () => Promise.reject(new Error('refused')) })
})
