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

test('of sixty drawings in the pad, nearly all are read as they were meant', async ({ page }) => {
  test.setTimeout(240_000)
  await page.goto(site.url('privacy=edge-only'))
  const app = openAppPage(page)
  await app.becomesReady()
  const pad = await page.getByTestId('pad').boundingBox()
  if (pad === null) throw new Error('no pad')
  // Whether the pad has said that the drawing is done, and how many answers there were before it said so.
  await page.locator('drawing-pad').evaluate((element) => {
    const root = document.documentElement
    element.addEventListener('stroke-start', () => root.removeAttribute('data-runs-before'))
    const note = () => {
      root.dataset['runsBefore'] = document.querySelector('hither-app')?.getAttribute('data-runs') ?? '0'
    }
    element.addEventListener('drawn', note, { capture: true })
  })

  const wrong: string[] = []
  for (const [index, { digit, strokes }] of digitDrawings.entries()) {
    await page.getByTestId('clear').click()
    for (const stroke of strokes) {
      const places = stroke.map(({ x, y }) => [pad.x + pad.width * x, pad.y + pad.height * y] as const)
      for (const [step, place] of places.entries()) {
        await page.mouse.move(...place)
        if (step === 0) await page.mouse.down()
      }
      await page.mouse.up()
    }
    // Looked at in every frame: sixty waits with the pauses of expect.poll would take a minute of their own.
    await page.waitForFunction(() => {
      const before = document.documentElement.dataset['runsBefore']
      const runs = Number(document.querySelector('hither-app')?.getAttribute('data-runs'))
      return before !== undefined && runs > Number(before)
    })
    const probabilities = await app.probabilities()
    const answer = probabilities.indexOf(Math.max(...probabilities))
    if (answer !== digit) wrong.push(`drawing ${(index % 6) + 1} of ${digit} was read as ${answer}`)
  }
  const right = digitDrawings.length - wrong.length
  console.log(
    `${right} of ${digitDrawings.length} drawings read as meant${wrong.map((line) => `\n  ${line}`).join('')}`,
  )
  expect(right).toBeGreaterThanOrEqual(mustBeRight)
})
