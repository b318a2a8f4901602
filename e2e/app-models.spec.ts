import { expect, test } from '@playwright/test'
import { tinyOnnx } from '../src/testing/tiny-onnx.ts'
import { openSite, type Site } from './support/site.ts'

let site: Site
test.beforeAll(async () => {
  site = await openSite()
})
test.afterAll(() => site.close())

test('a download is paused, stays so, and goes on', async ({ page }) => {
  const asked: string[] = []
  let letGo = () => {}
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  await page.route('**/intents-large/**/*.onnx', async (route) => {
    asked.push(route.request().url())
    await held
    // The first one was given up by then.
    await route.continue().catch(() => {})
  })
  await page.goto(`${site.url()}#/models`)
  const card = page.locator('model-card').filter({ hasText: 'Intents, large' })
  const status = card.getByTestId('status')
  await card.getByTestId('model-download').click()
  await expect(status).toHaveAttribute('data-status', 'downloading')
  await expect(card.getByTestId('progress')).toBeVisible()
  await expect.poll(() => asked.length).toBeGreaterThan(0)

  await card.getByTestId('model-pause').click()
  await expect(status).toHaveAttribute('data-status', 'paused')
  await expect(card.getByTestId('model-error')).toHaveCount(0)
  const before = asked.length
  await page.reload()
  await expect(status).toHaveAttribute('data-status', 'paused')
  expect(asked.length).toBe(before)

  await card.getByTestId('model-resume').click()
  await expect(status).toHaveAttribute('data-status', 'downloading')
  letGo()
  await expect(status).toHaveAttribute('data-status', /stored|ready/)
  await card.getByTestId('model-verify').click()
  await expect(card.getByTestId('model-note')).toContainText('Every byte')
})

test('a person’s own .onnx is added, runs, stays over a reload and is removed; what is no model is a sentence', async ({
  page,
}) => {
  const row = (name: string) => ({ name, type: 'float32' as const, shape: [1] })
  const graph = tinyOnnx({
    inputs: [row('x')],
    outputs: [row('y')],
    nodes: [{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }],
    initializers: [{ name: 'c', type: 'float32', dims: [1], data: new Float32Array([1]) }],
  })
  await page.goto(`${site.url()}#/models`)
  const give = (name: string, buffer: Buffer) =>
    page.getByTestId('add-file').setInputFiles({ name, mimeType: 'application/octet-stream', buffer })
  await give('nonsense.onnx', Buffer.from('no model at all'))
  await expect(page.getByTestId('add-error')).toBeVisible()
  await expect(page.locator('model-card [data-model=nonsense]')).toHaveCount(0)

  await give('plus one.onnx', Buffer.from(graph))
  await expect(page.getByTestId('add-error')).toHaveCount(0)
  const card = page.locator('model-card').filter({ has: page.locator('[data-model=plus-one]') })
  await expect(card).toContainText('added by you')
  await card.getByTestId('model-prepare').click()
  await expect(card.getByTestId('status')).toHaveAttribute('data-status', 'ready')
  await page.reload()
  await expect(card.getByTestId('status')).toHaveAttribute('data-status', 'stored')
  await expect(page.getByTestId('space')).toContainText('plus-one')
  await card.getByTestId('model-remove').click()
  await expect(card).toHaveCount(0)
  await expect(page.getByTestId('space')).not.toContainText('plus-one')
})
