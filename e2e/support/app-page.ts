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
  const app = page.locator('hither-app')
  const settled = async (runs: number) => {
    await expect.poll(async () => Number(await app.getAttribute('data-runs'))).toBeGreaterThan(runs)
  }
  return {
    app,
    badge: page.getByTestId('badge'),
    why: page.getByTestId('why'),
    answer: page.getByTestId('answer'),
    error: page.getByTestId('error'),
    modelStatus: page.getByTestId('model-status'),
    runs: async () => Number(await app.getAttribute('data-runs')),
    /** Picks a sample and waits for its answer. */
    async pick(digit: number) {
      const before = Number(await app.getAttribute('data-runs'))
      await page.getByTestId(`sample-${digit}`).click()
      await settled(before)
    },
    async becomesReady() {
      await expect(page.getByTestId('model-status')).toHaveAttribute('data-status', 'ready', { timeout: 60_000 })
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
