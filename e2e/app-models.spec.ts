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

test('models that are dropped on Home are added; one whose name is taken is a question', async ({ page }) => {
  const row = (name: string) => ({ name, type: 'float32' as const, shape: [1] })
  const adder = (addend: number) => [
    ...tinyOnnx({
      inputs: [row('x')],
      outputs: [row('y')],
      nodes: [{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }],
      initializers: [{ name: 'c', type: 'float32', dims: [1], data: new Float32Array([addend]) }],
    }),
  ]
  const drop = (files: Record<string, number[]>) =>
    page.evaluate((given) => {
      const dataTransfer = new DataTransfer()
      for (const [name, content] of Object.entries(given)) {
        dataTransfer.items.add(new File([new Uint8Array(content)], name))
      }
      document.body.dispatchEvent(
        new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true, composed: true }),
      )
    }, files)
  await page.goto(site.url())
  await expect(page.getByTestId('pad')).toBeVisible()
  await drop({ '人脸.onnx': adder(1), '车牌.onnx': adder(2) })
  await expect(page).toHaveURL(/#\/models$/)
  for (const name of ['model', 'model-2']) await expect(page.locator(`model-card [data-model=${name}]`)).toBeVisible()
  // The catalogue has a model of this name.
  await drop({ 'digits.onnx': adder(3) })
  await expect(page.getByTestId('add-error')).toContainText('digits.onnx')
  await page.getByTestId('keep-both').click()
  await expect(page.locator('model-card [data-model=digits-2]')).toContainText('called digits-2')
  await expect(page.getByTestId('add-error')).toHaveCount(0)
})
