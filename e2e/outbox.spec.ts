// Cases 36, 37 and 40 of the reliability list, on the built outbox and a real endpoint with its database.
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

test('36: a thousand reports, twenty killed browsers and every third acknowledgement lost: each is counted once', async () => {
  test.setTimeout(240_000)
  const random = createSeededRandom(36)
  const pick = (from: number, to: number) => from + Math.floor(random() * (to - from + 1))
  const profile = createProfile()
  const kept = new Set<string>()
  const ids = newIds(1_000)
  const start = async (offline: boolean) => {
    const context = await profile.open()
    await context.exposeFunction('kept', (id: string) => kept.add(id))
    const page = context.pages()[0] ?? (await context.newPage())
    await open(page, { offline })
    return page
  }
  const missing = async (page: Page) => {
    const waiting = new Set(await page.evaluate(() => outboxPage.waiting()))
    // What the outbox has taken before it was killed is there again.
    expect([...kept].filter((id) => !waiting.has(id))).toEqual([])
    return ids.filter((id) => !waiting.has(id))
  }
  try {
    // Offline: killed somewhere while it fills.
    for (let life = 0; life < 10; life += 1) {
      const page = await start(true)
      const rest = await missing(page)
      const enough = Math.min(kept.size + pick(40, 120), 950)
      page.evaluate((some) => outboxPage.record(some), rest).catch(() => {})
      await expect.poll(() => kept.size, { intervals: [5] }).toBeGreaterThan(enough)
      await profile.kill()
    }
    const page = await start(true)
    const rest = await missing(page)
    await page.evaluate((some) => outboxPage.record(some), rest)
    expect(await missing(page)).toEqual([])
    await profile.close()
    expect(intake.batches).toEqual([])

    // Online: killed when a batch is on its way, before or after the endpoint has counted it.
    for (let life = 0; life < 10; life += 1) {
      const killAt = intake.batches.length + pick(1, 2)
      const before = random() < 0.5
      const killed = new Promise<void>((resolve, reject) => {
        intake.decide(async ({ number }) => {
          if (number < killAt) return number % 3 === 0 ? 'lost' : undefined
          if (number > killAt) return 503
          const kill = profile.kill().then(resolve, reject)
          if (before) await kill
          return undefined
        })
      })
      const filled = await start(false)
      filled.evaluate(() => outboxPage.flushAll()).catch(() => {})
      await killed
    }
    intake.decide(({ number }) => (number % 3 === 0 ? 'lost' : undefined))
    const last = await start(false)
    await last.evaluate(() => outboxPage.flushAll())
    expect(await last.evaluate(() => outboxPage.outbox?.state())).toMatchObject({ waiting: 0, dead: 0 })
    const counted = await intake.counted()
    expect(counted.ids.sort()).toEqual(ids.sort())
    expect(counted.requests).toBe(1_000)
    expect(intake.duplicates.length).toBeGreaterThan(0)
  } finally {
    await profile.close()
    profile.remove()
  }
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
