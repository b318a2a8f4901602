import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { type Batch, batchSchema, type Report, reportSchema } from '../contracts/report.ts'
import { createLocks } from '../models/chunks/locks.ts'
import { createManualTimers } from '../testing/manual-timers.ts'
import { createOutbox, type OutboxOptions } from './create-outbox.ts'
import { createMemorySpace, type RecordSpace } from './record-space.ts'

const report = (index = 0, extra: object = {}): Report => ({
  kind: 'route',
  id: crypto.randomUUID(),
  atMs: index,
  model: 'digits',
  ran: 'edge',
  reason: 'edge-faster',
  actualMs: index,
  ...extra,
})

/** An intake as the endpoint has one: counts each id once, and can be told how to fail. */
function createIntake() {
  const counted = new Map<string, number>()
  const batches: Batch[] = []
  const tokens: (string | null)[] = []
  const faults: (() => Response | Promise<Response>)[] = []
  /** Reports that this intake refuses, alone or in a batch. */
  const refuses = new Set<string>()
  const limits = { bytes: Number.POSITIVE_INFINITY }
  const fetch = async (_: unknown, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    tokens.push(headers.get('Authorization'))
    const bytes = new Uint8Array(await new Response(init.body as BodyInit).arrayBuffer())
    const plain =
      headers.get('Content-Encoding') === 'gzip'
        ? new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')))
        : new Response(bytes)
    const text = await plain.text()
    const fault = faults.shift()
    if (fault !== undefined) return fault()
    if (text.length > limits.bytes) return Response.json({ error: 'too large' }, { status: 413 })
    const batch = v.parse(batchSchema, JSON.parse(text))
    const reports = batch.reports.map((one) => v.parse(reportSchema, one))
    if (reports.some(({ id }) => refuses.has(id))) return Response.json({ error: 'poison' }, { status: 400 })
    batches.push({ ...batch, reports })
    const duplicates = reports.filter(({ id }) => counted.has(id)).map(({ id }) => id)
    for (const { id } of reports) if (!counted.has(id)) counted.set(id, 1)
    const accepted = reports.map(({ id }) => id).filter((id) => !duplicates.includes(id))
    return Response.json({ accepted, duplicates, rejected: [] })
  }
  return { counted, batches, tokens, faults, refuses, limits, fetch: fetch as typeof globalThis.fetch }
}

function setUp(options: Partial<OutboxOptions> & { readonly sharedSpace?: RecordSpace } = {}) {
  const intake = createIntake()
  const timers = createManualTimers()
  const space = options.sharedSpace ?? createMemorySpace()
  const outbox = createOutbox({
    baseUrl: 'https://infer.example.com',
    fetch: intake.fetch,
    timers,
    space: Promise.resolve(space),
    locks: createLocks(undefined),
    userAgent: 'Mozilla/5.0 Chrome/156.0.0.0 Safari/537.36',
    ...options,
  })
  return { intake, timers, space, outbox, add: (one: Report) => outbox.record({ kind: 'report', report: one }) }
}

describe('createOutbox', () => {
  it('sends what gathered in one packed batch, and forgets it once it is acknowledged', async () => {
    const { intake, outbox, add } = setUp()
    for (let index = 0; index < 20; index += 1) await add(report(index))
    await outbox.flush()
    expect(intake.batches).toHaveLength(1)
    expect(intake.batches[0]).toMatchObject({ version: 1, browser: { family: 'Chrome', version: '156' } })
    expect(intake.counted.size).toBe(20)
    expect(await outbox.state()).toMatchObject({ waiting: 0, sent: 20 })
  })

  it('keeps everything while the endpoint fails, and says why', async () => {
    const { intake, outbox, add, timers } = setUp()
    await add(report())
    for (const status of [500, 429, 503]) {
      intake.faults.push(() => Response.json({ error: 'no' }, { status }))
      await outbox.flush()
      expect((await outbox.state()).waiting).toBe(1)
      expect(timers.size).toBe(1)
    }
    expect((await outbox.state()).problem).toBe('cloud-overloaded')
    await outbox.flush()
    expect(await outbox.state()).toMatchObject({ waiting: 0, sent: 1 })
    expect((await outbox.state()).problem).toBeUndefined()
  })

  it('does not take a captive portal for the endpoint', async () => {
    const { intake, outbox, add } = setUp()
    await add(report())
    intake.faults.push(() => new Response('<html>Please log in</html>', { status: 200 }))
    await outbox.flush()
    expect(await outbox.state()).toMatchObject({ waiting: 1, problem: 'cloud-bad-response' })
  })

  it('renews a token that is refused, once a try', async () => {
    let asked = 0
    const { intake, outbox, add } = setUp({
      token: () => {
        asked += 1
        return `token-${asked}`
      },
    })
    await add(report())
    intake.faults.push(() => Response.json({ error: 'expired' }, { status: 401 }))
    await outbox.flush()
    expect(intake.tokens).toEqual(['Bearer token-1', 'Bearer token-2'])
    expect((await outbox.state()).waiting).toBe(0)
  })

  it('buries the one report that is at fault, and sends the others', async () => {
    const { intake, outbox, add } = setUp()
    const reports = Array.from({ length: 9 }, (_, index) => report(index))
    const poison = reports[4]?.id ?? ''
    intake.refuses.add(poison)
    for (const one of reports) await add(one)
    await outbox.flush()
    expect(intake.counted.size).toBe(8)
    expect(await outbox.state()).toMatchObject({ waiting: 0, dead: 1, dropped: { refused: 1 } })
    expect(await outbox.export()).toContain(poison)
  })

  it('sends a batch that is too large in parts', async () => {
    const { intake, outbox, add } = setUp()
    intake.limits.bytes = 3_000
    for (let index = 0; index < 30; index += 1) await add(report(index))
    await outbox.flush()
    expect(intake.counted.size).toBe(30)
  })

  it('does not bury the whole line when the endpoint refuses everything', async () => {
    const { intake, outbox, add } = setUp()
    for (let index = 0; index < 40; index += 1) await add(report(index))
    for (let index = 0; index < 200; index += 1) {
      intake.faults.push(() => Response.json({ error: 'no' }, { status: 400 }))
    }
    await outbox.flush()
    expect((await outbox.state()).waiting).toBeGreaterThanOrEqual(35)
  })

  it('stops asking an endpoint that takes no reports', async () => {
    const { intake, outbox, add } = setUp()
    await add(report())
    intake.faults.push(() => Response.json({ error: 'no such address' }, { status: 404 }))
    await outbox.flush()
    expect(await outbox.state()).toMatchObject({ waiting: 1, problem: 'reports-unwanted' })
  })

  it('sends nothing to a server that is known to be another one', async () => {
    const { intake, outbox, add } = setUp({ wanted: async () => false })
    await add(report())
    await outbox.flush()
    expect(intake.tokens).toEqual([])
    expect(await outbox.state()).toMatchObject({ waiting: 1, problem: 'reports-unwanted' })
  })

  it('sends nothing offline', async () => {
    const { intake, outbox, add } = setUp({ watcher: { online: false, onChange: () => () => {} } })
    await add(report())
    await outbox.flush()
    expect(intake.tokens).toEqual([])
  })

  it('says at most 60 KiB when its page goes, and leaves the line as it is', async () => {
    const page = new EventTarget()
    const sent: { readonly bytes: number; readonly keepalive: boolean | undefined; readonly reports: number }[] = []
    const { outbox, add } = setUp({
      page,
      fetch: (async (_: unknown, init: RequestInit = {}) => {
        const body = String(init.body)
        sent.push({ bytes: body.length, keepalive: init.keepalive, reports: JSON.parse(body).reports.length })
        return new Response()
      }) as typeof globalThis.fetch,
    })
    for (let index = 0; index < 100; index += 1) await add(report(index, { answer: 'x'.repeat(2_000) }))
    page.dispatchEvent(new Event('pagehide'))
    expect(sent).toHaveLength(1)
    expect(sent[0]?.keepalive).toBe(true)
    expect(sent[0]?.bytes).toBeLessThanOrEqual(60 * 1024)
    expect(sent[0]?.reports).toBeGreaterThan(20)
    expect((await outbox.state()).waiting).toBe(100)
  })

  it('counts each of 1,000 reports once, whatever acknowledgements are lost and whoever flushes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('ok', 'lost', 'cut', '500'), { maxLength: 30 }), async (fates) => {
        const intake = createIntake()
        const space = createMemorySpace()
        const locks = createLocks(undefined)
        const upcoming = [...fates]
        const fetch = (async (url: string, init: RequestInit) => {
          const fate = upcoming.shift() ?? 'ok'
          if (fate === '500') return Response.json({ error: 'no' }, { status: 500 })
          const answer = await intake.fetch(url, init)
          if (fate === 'lost') throw new TypeError('the connection ended')
          return fate === 'cut' ? new Response('{"accep') : answer
        }) as typeof globalThis.fetch
        const tabs = [1, 2, 3].map(() => setUp({ sharedSpace: space, locks, fetch }))
        const reports = Array.from({ length: 60 }, (_, index) => report(index))
        for (const [index, one] of reports.entries()) await tabs[index % 3]?.add(one)
        for (let round = 0; round < fates.length + 3; round += 1) {
          await Promise.all(tabs.map(({ outbox }) => outbox.flush()))
        }
        expect([...intake.counted.keys()].sort()).toEqual(reports.map(({ id }) => id).sort())
        expect((await tabs[0]?.outbox.state())?.waiting).toBe(0)
      }),
      { numRuns: 25 },
    )
  })

  it('forgets what waits when the person switches it off', async () => {
    const { intake, outbox, add } = setUp()
    await add(report())
    await outbox.setEnabled(false)
    await add(report())
    await outbox.flush()
    expect(intake.tokens).toEqual([])
    expect(await outbox.state()).toMatchObject({ enabled: false, waiting: 0 })
  })
})
