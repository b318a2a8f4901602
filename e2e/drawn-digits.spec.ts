import { expect, test } from '@playwright/test'
import { openAppPage } from './support/app-page.ts'
import { digitDrawings } from './support/digit-strokes.ts'
import { openSite, type Site } from './support/site.ts'

/** Of sixty; docs and the model's card state what was seen. */
const mustBeRight = 57

let site: Site
test.beforeAll(async () => {
  site = await openSite()
})
test.afterAll(() => site.close())

/** Holds back the pad's pause after a stroke until the test says that it is over: sixty of them are half a minute. */
function holdPauses(): void {
  const padsPauseMs = 400
  const held = new Map<number, () => void>()
  const { setTimeout: start, clearTimeout: clear } = globalThis
  const never = 2 ** 31 - 1
  const hold = (work: () => void) => {
    const id = Number(start(() => {}, never))
    held.set(id, work)
    return id
  }
  Object.assign(globalThis, {
    setTimeout: (work: () => void, ms?: number) => (ms === padsPauseMs ? hold(work) : start(work, ms)),
    clearTimeout: (id?: number) => {
      held.delete(Number(id))
      clear(id)
    },
    endPauses: () => {
      const works = [...held.values()]
      held.clear()
      for (const work of works) work()
    },
  })
}

test('of sixty drawings in the pad, nearly all are read as they were meant', async ({ page }) => {
  await page.addInitScript(holdPauses)
  await page.goto(site.url('privacy=edge-only'))
  const app = openAppPage(page)
  await app.becomesReady()
  const pad = await page.getByTestId('pad').boundingBox()
  if (pad === null) throw new Error('no pad')
  const clear = page.getByTestId('clear')

  const card = await app.app.elementHandle()
  const wrong: string[] = []
  for (const [index, { digit, strokes }] of digitDrawings.entries()) {
    await clear.evaluate((button: HTMLButtonElement) => button.click())
    const before = await app.runs()
    for (const stroke of strokes) {
      const [first, ...others] = stroke.map(({ x, y }) => [pad.x + pad.width * x, pad.y + pad.height * y] as const)
      if (first === undefined) continue
      await page.mouse.move(...first)
      await page.mouse.down()
      // As a fast mouse does: several places between two frames.
      await Promise.all(others.map((place) => page.mouse.move(...place)))
      await page.mouse.up()
    }
    await page.evaluate(() => (globalThis as unknown as { endPauses: () => void }).endPauses())
    // Looked at in every frame: sixty waits with the pauses of expect.poll would take a minute of their own.
    await page.waitForFunction(
      ([element, runs]) => Number((element as Element | null)?.getAttribute('data-runs')) > Number(runs),
      [card, before] as const,
    )
    const answer = await page.locator('[data-testid^="probability-"]').evaluateAll((rows) => {
      const [likeliest] = rows.toSorted((a, b) => Number(b.dataset.probability) - Number(a.dataset.probability))
      return Number(likeliest?.dataset.testid?.slice('probability-'.length))
    })
    if (answer !== digit) wrong.push(`drawing ${(index % 6) + 1} of ${digit} was read as ${answer}`)
  }
  const right = digitDrawings.length - wrong.length
  console.log(
    `${right} of ${digitDrawings.length} drawings read as meant${wrong.map((line) => `\n  ${line}`).join('')}`,
  )
  expect(right).toBeGreaterThanOrEqual(mustBeRight)
})
