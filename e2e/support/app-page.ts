import { expect, type Page } from '@playwright/test'

/** Holds back the model's file until it is released: a download that is still under way. */
export async function holdModel(page: Page): Promise<() => void> {
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  await page.route('**/model.onnx', async (route) => {
    await held
    await route.continue()
  })
  return () => release()
}

/** What a person does on the page, and what they see. */
export function openAppPage(page: Page) {
  const app = page.locator('digit-card')
  const settled = async (runs: number) => {
    await expect.poll(async () => Number(await app.getAttribute('data-runs'))).toBeGreaterThan(runs)
  }
  return {
    app,
    badge: app.getByTestId('badge'),
    why: app.getByTestId('why'),
    answer: app.getByTestId('answer'),
    error: app.getByTestId('error'),
    modelStatus: app.getByTestId('model-status'),
    /** Opens the chart behind the badge. */
    openWhy: () => app.getByTestId('badge').click(),
    /** Opens another page by the navigation. */
    open: (name: 'home' | 'device' | 'models' | 'routes' | 'settings') => page.getByTestId(`nav-${name}`).click(),
    runs: async () => Number(await app.getAttribute('data-runs')),
    /** Picks a sample and waits for its answer. */
    async pick(digit: number) {
      const before = Number(await app.getAttribute('data-runs'))
      await page.getByTestId(`sample-${digit}`).click()
      await settled(before)
    },
    async becomesReady() {
      await expect(app.getByTestId('model-status')).toHaveAttribute('data-status', 'ready')
    },
    async probabilities(): Promise<number[]> {
      const values: number[] = []
      for (let digit = 0; digit < 10; digit += 1) {
        values.push(Number(await page.getByTestId(`probability-${digit}`).getAttribute('data-probability')))
      }
      return values
    },
  }
}
