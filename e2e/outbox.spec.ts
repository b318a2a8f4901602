// Cases 37 and 40 of the reliability list, on the built outbox and a real endpoint with its database.
import { expect, type Page, test } from '@playwright/test'
import type { OutboxPage } from './outbox-page/main.ts'
import { buildOutboxPage, type Intake, openIntake } from './support/intake.ts'

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
