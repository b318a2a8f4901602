import { expect, type Page, test } from '@playwright/test'
import { openAppPage } from './support/app-page.ts'
import { openSite, type Site } from './support/site.ts'

let site: Site
test.beforeAll(async () => {
  site = await openSite()
})
test.afterAll(() => site.close())

/** Gives the page a sample's file the way a person does: by the clipboard, or by letting it go over the page. */
const give = (page: Page, kind: 'paste' | 'drop', digit: number) =>
  page.evaluate(
    async ([how, sample]) => {
      const blob = await (await fetch(`samples/digits/${sample}.png`)).blob()
      const data = new DataTransfer()
      data.items.add(new File([blob], 'digit.png', { type: 'image/png' }))
      const target = document.querySelector('hither-app') ?? document.body
      const event =
        how === 'paste'
          ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, composed: true, cancelable: true })
          : new DragEvent('drop', { dataTransfer: data, bubbles: true, composed: true, cancelable: true })
      target.dispatchEvent(event)
    },
    [kind, digit] as const,
  )

test('a drawn, a dropped and a pasted digit are read', async ({ page }) => {
  await page.goto(site.url('privacy=edge-only'))
  const app = openAppPage(page)
  await app.becomesReady()

  const pad = await page.getByTestId('pad').boundingBox()
  if (pad === null) throw new Error('no pad')
  const at = (x: number, y: number) => [pad.x + pad.width * x, pad.y + pad.height * y] as const
  const strokes = [
    [at(0.3, 0.25), at(0.7, 0.25)],
    [at(0.7, 0.25), at(0.45, 0.8)],
  ] as const
  for (const [from, to] of strokes) {
    await page.mouse.move(...from)
    await page.mouse.down()
    await page.mouse.move(...to, { steps: 12 })
    await page.mouse.up()
  }
  await expect(app.answer).toContainText('7')

  for (const [kind, digit] of [
    ['paste', 4],
    ['drop', 2],
  ] as const) {
    const before = await app.runs()
    await give(page, kind, digit)
    await expect.poll(app.runs).toBeGreaterThan(before)
    await expect(app.answer).toContainText(String(digit))
  }
})

test.describe('a seven is drawn', () => {
  test.use({ hasTouch: true })

  const corners = [
    [0.3, 0.25],
    [0.7, 0.25],
    [0.45, 0.8],
  ] as const
  /** Points along the corners, a few pixels apart, as a hand gives them. */
  const path = (pad: { x: number; y: number; width: number; height: number }) =>
    corners.slice(1).flatMap(([toX, toY], index) => {
      const [fromX, fromY] = corners[index] ?? corners[0]
      return Array.from({ length: 13 }, (_, step) => ({
        x: pad.x + pad.width * (fromX + ((toX - fromX) * step) / 12),
        y: pad.y + pad.height * (fromY + ((toY - fromY) * step) / 12),
      }))
    })

  for (const kind of ['touch', 'pen'] as const) {
    test(`with a ${kind === 'touch' ? 'finger' : 'pen'}`, async ({ page }) => {
      await page.goto(site.url('privacy=edge-only'))
      const app = openAppPage(page)
      await app.becomesReady()
      const pad = await page.getByTestId('pad').boundingBox()
      if (pad === null) throw new Error('no pad')
      const points = path(pad)
      const session = await page.context().newCDPSession(page)
      await page.evaluate(() => {
        const note = (event: PointerEvent) => document.body.setAttribute('data-pointer', event.pointerType)
        addEventListener('pointerdown', note, { capture: true })
      })
      for (const [index, point] of points.entries()) {
        const [first, last] = [index === 0, index === points.length - 1]
        if (kind === 'touch') {
          await session.send('Input.dispatchTouchEvent', {
            type: first ? 'touchStart' : 'touchMove',
            touchPoints: [{ ...point, id: 1 }],
          })
          if (last) await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
        } else {
          const type = first ? 'mousePressed' : last ? 'mouseReleased' : 'mouseMoved'
          const pen = { button: 'left', clickCount: 1, pointerType: 'pen', force: last ? 0 : 0.6 } as const
          await session.send('Input.dispatchMouseEvent', { type, ...point, buttons: last ? 0 : 1, ...pen })
        }
      }
      await expect(page.locator('body')).toHaveAttribute('data-pointer', kind)
      await expect(app.answer).toContainText('7')
    })
  }
})
