import AxeBuilder from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'
import { noteTroubles } from './support/embedding-site.ts'
import { startApp } from './support/start-app.ts'

let app: Awaited<ReturnType<typeof startApp>>
test.beforeAll(async () => {
  app = await startApp()
})
test.afterAll(() => app.close())

/** Each page, and what is there once it is whole. */
const pages = [
  ['#/', 'sound-card [data-testid=use-microphone]'],
  ['#/task/digits', 'digit-card [data-testid=why]'],
  ['#/task/languages', 'text-card textarea'],
  ['#/task/intents', 'text-card textarea'],
  ['#/task/faces', 'picture-card [data-testid=use-camera]'],
  ['#/task/things', 'picture-card [data-testid=use-camera]'],
  ['#/task/speech', 'sound-card [data-testid=use-microphone]'],
  ['#/device', '[data-testid=backend-wasm][data-status=measured]'],
  ['#/models', 'model-card [data-testid=status]'],
  ['#/routes', '[data-testid=routes] tbody tr'],
  ['#/settings', '[data-testid=language-en]'],
] as const

/** Looks at the page as it stands, in the light and in the dark theme: of what axe-core checks only contrast changes with it. */
async function expectAccessible(page: Page, where: string) {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)))
    // No frame lies on these pages, so that no second page is needed to put frames' results together.
    const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] })
    const { violations } = await (colorScheme === 'light' ? axe : axe.withRules('color-contrast')).analyze()
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
    expect(found, `${where}, ${colorScheme}`).toEqual([])
  }
}

for (const locale of ['en-US', 'zh-CN'] as const) {
  test.describe(locale, () => {
    test.use({ locale })

    test(`axe-core finds nothing, and no page breaks its policy (case 49): ${locale}`, async ({ page }) => {
      const troubles = await noteTroubles(page)
      await page.goto(`${app.origin}/?privacy=edge-only`)
      await expect(page.locator('html')).toHaveAttribute('lang', locale === 'en-US' ? 'en' : 'zh-Hans')
      // Answers and routes are looked at, too.
      await expect(page.locator('digit-card').getByTestId('model-status')).toHaveAttribute('data-status', 'ready')
      await page.getByTestId('sample-7').click()
      await expect(page.locator('digit-card').getByTestId('answer')).toContainText('7')
      await page.locator('sound-card').scrollIntoViewIfNeeded()
      await page.locator('text-card').first().getByTestId('sample').first().click()
      await expect(page.locator('text-card').first()).toHaveAttribute('data-state', 'done')
      for (const [address, whole] of pages) {
        await page.evaluate((hash) => {
          location.hash = hash
        }, address)
        await expect(page.locator(whole).first()).toBeVisible()
        await expectAccessible(page, address)
      }
      await page.goto(`${app.origin}/ops`)
      await expect(page.locator('ops-page h1')).toBeVisible()
      await expectAccessible(page, '/ops')
      expect(troubles).toEqual([])
    })
  })
}
