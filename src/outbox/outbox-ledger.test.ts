import { describe, expect, it } from 'vitest'
import type { Report } from '../contracts/report.ts'
import { createOutboxLedger } from './outbox-ledger.ts'
import { createMemorySpace } from './record-space.ts'

const report = (index: number, extra: object = {}): Report => ({
  kind: 'route',
  id: crypto.randomUUID(),
  atMs: index,
  model: 'digits',
  ran: 'edge',
  reason: 'edge-faster',
  actualMs: index,
  ...extra,
})
const all = { reports: 1_000, bytes: 1e9 }

describe('the line of reports', () => {
  it('keeps the order of adding on a clock that is a year off and jumps about', async () => {
    const clock = { ms: Date.parse('2025-06-01') }
    const ledger = createOutboxLedger(createMemorySpace(), { now: () => clock.ms })
    const added = [report(1), report(2), report(3)]
    for (const [index, one] of added.entries()) {
      clock.ms += (index % 2 === 0 ? -1 : 1) * 20 * 86_400_000
      await ledger.add(one)
    }
    expect((await ledger.next(all)).map(({ report: { id } }) => id)).toEqual(added.map(({ id }) => id))
  })

  it('still has everything after 30 days offline, and counts what is older than its age', async () => {
    const clock = { ms: 0 }
    const ledger = createOutboxLedger(createMemorySpace(), { now: () => clock.ms })
    await ledger.add(report(1))
    clock.ms += 30 * 86_400_000
    await ledger.add(report(2))
    expect(await ledger.next(all)).toHaveLength(2)
    clock.ms += 31 * 86_400_000
    expect(await ledger.next(all)).toHaveLength(1)
    expect((await ledger.state()).dropped).toEqual({ expired: 1, full: 0, lost: 0, refused: 0 })
  })

  it('is bounded in number and size: the oldest make room and are counted', async () => {
    const ledger = createOutboxLedger(createMemorySpace(), { limits: { reports: 3, bytes: 100_000 } })
    for (let index = 0; index < 5; index += 1) await ledger.add(report(index))
    expect((await ledger.next(all)).map(({ report: { atMs } }) => atMs)).toEqual([2, 3, 4])
    await ledger.add(report(5, { answer: 'x'.repeat(99_900) }))
    const state = await ledger.state()
    expect(state.waiting).toBe(1)
    expect(state.dropped.full).toBe(5)
  })

  it('takes reports out only when they are settled, once', async () => {
    const ledger = createOutboxLedger(createMemorySpace())
    await ledger.add(report(1))
    const [first] = await ledger.next(all)
    expect(await ledger.next(all)).toHaveLength(1)
    await ledger.settle([first?.key ?? ''])
    await ledger.settle([first?.key ?? ''])
    expect(await ledger.next(all)).toEqual([])
    expect(await ledger.state()).toMatchObject({ waiting: 0, waitingBytes: 0, sent: 1 })
  })

  it('makes one report of what was only counted, with the same id until it is acknowledged', async () => {
    const ledger = createOutboxLedger(createMemorySpace())
    await ledger.count('answered')
    await ledger.count('answered')
    await ledger.count('failed')
    const [first] = await ledger.next(all)
    expect(first?.report).toMatchObject({ kind: 'counts', answered: 2, failed: 1 })
    expect((await ledger.next(all))[0]?.report.id).toBe(first?.report.id)
  })

  it('keeps a bounded number of dead letters, with their reasons', async () => {
    const ledger = createOutboxLedger(createMemorySpace(), { limits: { dead: 2 } })
    for (let index = 0; index < 4; index += 1) {
      const waiting = await ledger.add(report(index))
      await ledger.bury(waiting?.key ?? '', `reason ${index}`)
    }
    const { dead, waiting } = await ledger.all()
    expect(waiting).toEqual([])
    expect(dead.map(({ reason }) => reason)).toEqual(['reason 2', 'reason 3'])
    expect((await ledger.state()).dropped.refused).toBe(4)
  })

  it('counts as lost what was cleared from under it, and goes on', async () => {
    const space = createMemorySpace()
    const ledger = createOutboxLedger(space)
    await ledger.add(report(1))
    await ledger.add(report(2))
    await space.change(async (transaction) => {
      for (const key of await transaction.keys('')) await transaction.delete(key)
    })
    await ledger.add(report(3))
    expect(await ledger.state()).toMatchObject({ waiting: 1, dropped: { lost: 2 } })
  })

  it('takes a new name when it is cleared, and records nothing while switched off', async () => {
    const ledger = createOutboxLedger(createMemorySpace())
    const before = await ledger.device()
    await ledger.add(report(1))
    await ledger.clear()
    expect(await ledger.device()).not.toBe(before)
    await ledger.setEnabled(false)
    await ledger.add(report(2))
    await ledger.count('failed')
    expect(await ledger.next(all)).toEqual([])
    await ledger.clear()
    expect((await ledger.state()).enabled).toBe(false)
  })

  it('passes over an entry that is damaged, and counts it', async () => {
    const space = createMemorySpace()
    const ledger = createOutboxLedger(space)
    const damaged = await ledger.add(report(1))
    await ledger.add(report(2))
    await space.change((transaction) => transaction.put(damaged?.key ?? '', { report: 'gone' }))
    expect((await ledger.next(all)).map(({ report: { atMs } }) => atMs)).toEqual([2])
    expect((await ledger.state()).dropped.lost).toBe(1)
  })
})
