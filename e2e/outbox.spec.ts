// Cases 36 to 40 of the reliability list, on the built outbox and a real endpoint with its database.
import { expect, type Page, test } from '@playwright/test'
import { createSeededRandom } from '../src/utils/seeded-random.ts'
import type { OutboxPage } from './outbox-page/main.ts'
import { buildOutboxPage, type Intake, openIntake } from './support/intake.ts'
import { createProfile } from './support/profile.ts'

declare const outboxPage: OutboxPage

let built: Awaited<ReturnType<typeof buildOutboxPage>>
let intake: Intake
test.beforeAll(async () => {
  built = await buildOutboxPage()
})
test.afterAll(() => built.remove())
test.beforeEach(async () => {
  intake = await openIntake(built.pageDir)
})
test.afterEach(() => intake.close())

const newIds = (count: number) => Array.from({ length: count }, () => crypto.randomUUID())
const open = async (page: Page, options: Parameters<OutboxPage['open']>[0] = {}) => {
  await page.goto(intake.origin)
  await page.evaluate((given) => outboxPage.open(given), options)
}

test('36: 1,000 records offline, 20 kills, every third acknowledgement lost: each is counted once', async () => {
  const ids = newIds(1_000)
  const random = createSeededRandom(36)
  const profile = createProfile()
  /** Those that the outbox said it has. */
  const kept = new Set<string>()
  /** Opens the profile again, and looks at what is there. */
  const reopen = async (options: Parameters<OutboxPage['open']>[0], onKept: () => void = () => {}) => {
    const page = await (await profile.open()).newPage()
    await page.exposeFunction('kept', (id: string) => {
      kept.add(id)
      onKept()
    })
    await open(page, options)
    expect(await page.evaluate(() => outboxPage.outbox?.state())).toMatchObject({ persistent: true })
    return { page, waiting: await page.evaluate(() => outboxPage.waiting()) }
  }
  try {
    for (let kills = 0; kills < 10; kills += 1) {
      let left = 1 + Math.floor(random() * 95)
      let kill = () => {}
      const killed = new Promise<void>((resolve, reject) => {
        kill = () => profile.kill().then(resolve, reject)
      })
      const { page, waiting } = await reopen({ offline: true }, () => {
        left -= 1
        if (left === 0) kill()
      })
      // What it said it has is there, in the order in which it was given; a kill may come before it could say so.
      expect(waiting).toEqual(ids.slice(0, waiting.length))
      expect(waiting.length).toBeGreaterThanOrEqual(kept.size)
      const recorded = page.evaluate((some) => outboxPage.record(some), ids.slice(waiting.length))
      await Promise.all([killed, expect(recorded, 'killed before all were recorded').rejects.toThrow()])
    }
    const { page, waiting } = await reopen({ offline: true })
    expect(waiting).toEqual(ids.slice(0, waiting.length))
    await page.evaluate((some) => outboxPage.record(some), ids.slice(waiting.length))
    expect(await page.evaluate(() => outboxPage.waiting())).toEqual(ids)
    await profile.close()

    const lostOf = (number: number) => (number % 3 === 0 ? ('lost' as const) : undefined)
    for (let kills = 0; kills < 10; kills += 1) {
      const { page: sending } = await reopen({})
      // Killed when a batch is under way: before the endpoint counts it, or before the device hears of it.
      const killAt = intake.batches.length + 1 + Math.floor(random() * 2)
      const isCounted = random() < 0.5
      const killed = new Promise<void>((resolve, reject) => {
        intake.decide(async ({ number }) => {
          if (number !== killAt) return lostOf(number)
          await profile.kill().then(resolve, reject)
          return isCounted ? 'lost' : 500
        })
      })
      const sent = sending.evaluate(() => outboxPage.flushAll())
      await Promise.all([killed, expect(sent, 'killed before all were sent').rejects.toThrow()])
    }
    const { page: last } = await reopen({})
    intake.decide(({ number }) => lostOf(number))
    await last.evaluate(() => outboxPage.flushAll())
    const state = await last.evaluate(() => outboxPage.outbox?.state())
    expect(state).toMatchObject({ waiting: 0, dead: 0, dropped: { expired: 0, full: 0, lost: 0, refused: 0 } })
  } finally {
    await profile.close()
    profile.remove()
  }
  const counted = await intake.counted()
  expect(counted.ids.sort()).toEqual(ids.sort())
  expect(counted.requests).toBe(1_000)
  // Else nothing of this was put to the test.
  expect(intake.duplicates.length).toBeGreaterThan(100)
})

test('37: an intake that fails, forbids or is full loses nothing; a report at fault does not hold up the rest', async ({
  page,
}) => {
  await open(page, { withToken: true })
  const ids = newIds(8)
  await page.evaluate((some) => outboxPage.record(some), ids)
  const flush = () => page.evaluate(() => outboxPage.outbox?.flush())
  const state = () => page.evaluate(() => outboxPage.outbox?.state())

  intake.decide(() => 500)
  await flush()
  expect(await state()).toMatchObject({ waiting: 8, problem: 'cloud-failed' })

  intake.decide(() => 401)
  const before = intake.batches.length
  await flush()
  expect(await state()).toMatchObject({ waiting: 8, problem: 'cloud-unauthorized' })
  // A new token was asked for, each time.
  const tokens = intake.batches.slice(before).map(({ token }) => token)
  expect(tokens.length).toBeGreaterThanOrEqual(2)
  expect(new Set(tokens).size).toBe(tokens.length)

  const [poison] = ids.slice(5)
  intake.decide(({ ids: sent }) => (sent.length > 4 ? 413 : sent.includes(poison ?? '') ? 400 : undefined))
  await flush()
  expect(await state()).toMatchObject({ waiting: 0, dead: 1, sent: 7, dropped: { refused: 1 } })
  expect((await intake.counted()).ids.sort()).toEqual(ids.filter((id) => id !== poison).sort())
  expect(await page.evaluate(() => outboxPage.outbox?.export())).toContain(poison)
})

test('38: tabs and the service worker send at once, with answers lost: one of them at a time, each id counted once', async ({
  context,
}) => {
  const pages = [await context.newPage(), await context.newPage(), await context.newPage()] as const
  const devTools = await context.newCDPSession(pages[0])
  const registration = new Promise<string>((resolve) => {
    devTools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations: [found] }) => {
      if (found) resolve(found.registrationId)
    })
  })
  await devTools.send('ServiceWorker.enable')
  const ids: string[] = []
  for (const page of pages) {
    await open(page)
    const some = newIds(120)
    ids.push(...some)
    await page.evaluate((own) => outboxPage.record(own), some)
  }
  await pages[0].evaluate(async () => {
    await navigator.serviceWorker.register('/report-sync.js', { type: 'module' })
    await navigator.serviceWorker.ready
  })
  const wakeWorker = async () =>
    devTools.send('ServiceWorker.dispatchSyncEvent', {
      origin: intake.origin,
      registrationId: await registration,
      tag: 'hither-outbox',
      lastChance: false,
    })
  // A first failure leaves the endpoint's address to the service worker.
  intake.decide(() => 503)
  await pages[0].evaluate(() => outboxPage.outbox?.flush())
  const before = intake.batches.length

  // While one of them waits for an answer, the others send nothing.
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  intake.decide(async ({ number }) => {
    await held
    return number % 3 === 0 ? 'lost' : undefined
  })
  const first = pages[1].evaluate(() => outboxPage.outbox?.flush())
  await expect.poll(() => intake.batches.length).toBe(before + 1)
  await Promise.all([pages[0], pages[2]].map((page) => page.evaluate(() => outboxPage.outbox?.flush())))
  expect(intake.batches.length).toBe(before + 1)
  const flushes = pages.map((page) => page.evaluate(() => outboxPage.flushAll()))
  await wakeWorker()
  release()
  await Promise.all([first, ...flushes])
  expect(await pages[2].evaluate(() => outboxPage.outbox?.state())).toMatchObject({ waiting: 0, sent: ids.length })

  // With no page, the service worker alone.
  intake.decide(() => 503)
  const late = newIds(5)
  await pages[2].evaluate((own) => outboxPage.record(own), late)
  await pages[2].evaluate(() => outboxPage.outbox?.flush())
  intake.decide(({ number }) => (number % 3 === 0 ? 'lost' : undefined))
  await Promise.all([pages[1], pages[2]].map((page) => page.evaluate(() => outboxPage.outbox?.close())))
  await pages[0].evaluate(() => outboxPage.outbox?.close())
  await expect
    .poll(async () => {
      await wakeWorker()
      return (await intake.counted()).ids.length
    })
    .toBe(ids.length + late.length)
  const counted = await intake.counted()
  expect(counted.ids.sort()).toEqual([...ids, ...late].sort())
  expect(counted.requests).toBe(ids.length + late.length)
  expect(intake.duplicates.length).toBeGreaterThan(0)
  expect(intake.mostAtOnce()).toBe(1)
})

test('39: a clock that is a year off, and 30 days offline: the order is kept, the hour is true, what expired is counted', async ({
  page,
}) => {
  const dayMs = 86_400_000
  const start = Date.now() - 365 * dayMs
  const at = (days: number) => page.clock.setFixedTime(start + days * dayMs)
  await at(0)
  await open(page, { offline: true })
  const expired = newIds(2)
  await page.evaluate((some) => outboxPage.record(some), expired)
  const ids = newIds(3)
  for (const [index, day] of [40, 31, 32].entries()) {
    await at(day)
    await page.evaluate((some) => outboxPage.record(some), [ids[index] ?? ''])
  }
  await at(61)
  await open(page)
  await page.evaluate(() => outboxPage.flushAll())
  const state = await page.evaluate(() => outboxPage.outbox?.state())
  expect(state).toMatchObject({ waiting: 0, sent: 3, dropped: { expired: 2, full: 0, lost: 0, refused: 0 } })
  expect(intake.batches.flatMap(({ ids: sent }) => sent)).toEqual(ids)
  const { reports } = await intake.counted()
  const daysAgo = ids.map((id) => Math.round((Date.now() - (reports.get(id) ?? 0)) / dayMs))
  expect(daysAgo).toEqual([21, 30, 29])
})

test('40: closed with 200 KB waiting, a page says at most 60 KiB, and the next visit the rest', async ({ page }) => {
  await open(page)
  const ids = newIds(100)
  await page.evaluate(([some, answer]) => outboxPage.record(some, { answer }), [
    ids,
    JSON.stringify('x'.repeat(2_000)),
  ] as const)
  // Should the outbox's own time come first: a page that is closed has no time to pack.
  intake.decide(({ packed }) => (packed ? 503 : undefined))
  await page.goto('about:blank')
  const said = () => intake.batches.filter(({ packed }) => !packed)
  await expect.poll(() => said().length).toBe(1)
  const [farewell] = said()
  expect(farewell?.bytes).toBeLessThanOrEqual(60 * 1024)
  expect(farewell?.ids.length).toBeGreaterThan(20)
  await expect.poll(async () => (await intake.counted()).ids.length).toBe(farewell?.ids.length)

  intake.decide(() => undefined)
  await open(page)
  await page.evaluate(() => outboxPage.flushAll())
  const counted = await intake.counted()
  expect(counted.ids.sort()).toEqual(ids.sort())
  expect(counted.requests).toBe(100)
})
