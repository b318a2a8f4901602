// What a page may hand to a widget of another origin, and what its own scripts may have done to it before.
import { expect, test } from '@playwright/test'
import type { HitherWidget } from '../src/widget/hither-widget.ts'
import { type EmbeddingSite, noteTroubles, openEmbeddingSite } from './support/embedding-site.ts'

/** Spanish, of which every model that comes with Hither is sure. */
const sentence = 'Mañana por la mañana iremos al mercado a comprar pan.'

let site: EmbeddingSite
test.beforeAll(async () => {
  site = await openEmbeddingSite()
})
test.afterAll(() => site.close())

let troubles: readonly string[]
test.beforeEach(async ({ page }) => {
  troubles = await noteTroubles(page)
})

test('whatever it is given on another origin, a run ends in an answer or an error', async ({ page }) => {
  await page.goto(
    site.show('/any-input', { body: `${site.script}<hither-widget privacy="edge-only"></hither-widget>` }),
  )
  const outcomes = await page.evaluate(async (right) => {
    await customElements.whenDefined('hither-widget')
    const widget = document.querySelector('hither-widget') as HitherWidget
    const closed = await createImageBitmap(new ImageData(8, 8))
    closed.close()
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const inputs: Readonly<Record<string, readonly [string, unknown]>> = {
      'a long text': ['languages', 'a'.repeat(100_001)],
      'an empty text': ['languages', ''],
      null: ['languages', null],
      nothing: ['languages', undefined],
      'a number': ['languages', 7],
      'an object': ['languages', { text: right }],
      'a function': ['languages', () => right],
      'a symbol': ['languages', Symbol('text')],
      'a map': ['languages', new Map([[1, new Date()]])],
      'an element': ['digits', document.body],
      'a stream': ['speech', new ReadableStream()],
      'a proxy that was revoked': ['digits', revoked.proxy],
      'a file of 65 MiB': ['digits', new Blob([new Uint8Array(65 * 2 ** 20)], { type: 'image/png' })],
      'no picture': ['digits', new Blob(['text'], { type: 'image/png' })],
      ImageData: ['digits', new ImageData(8, 8)],
      'a canvas': ['digits', document.createElement('canvas')],
      'a closed picture': ['digits', closed],
      'a text for a sound': ['speech', right],
      'an unknown task': ['nothing', right],
      'a right text': ['languages', right],
    }
    const told: Record<string, string> = {}
    for (const [name, [task, input]] of Object.entries(inputs)) {
      widget.task = task
      told[name] = await widget.run(input as string).then(
        () => `answered, ${widget.status}`,
        (error: Error) => `${error instanceof Error && error.message !== ''}, ${widget.status}`,
      )
    }
    for (const [name, privacy] of [
      ['a changed privacy', 'nobody'],
      ['none', undefined],
    ] as const) {
      if (privacy === undefined) widget.removeAttribute('privacy')
      else widget.setAttribute('privacy', privacy)
      told[name] = await widget.run(right).then(
        () => `answered, ${widget.status}`,
        (error: Error & { code?: string }) => `${error.code}, ${widget.status}`,
      )
    }
    for (const [name, attribute, value] of [
      ['another privacy', 'privacy', 'nobody'],
      ['a long name', 'model', 'x'.repeat(300)],
      ['no address', 'endpoint', 'http://[x'],
    ] as const) {
      const other = document.createElement('hither-widget')
      other.task = 'languages'
      other.setAttribute(attribute, value)
      document.body.append(other)
      told[name] = await other.run(right).then(
        () => 'answered',
        (error: Error & { code?: string }) => `${error.code}, ${other.status}`,
      )
    }
    return told
  }, sentence)
  const { 'a right text': right, none, 'a changed privacy': changed, ...others } = outcomes
  expect([right, none]).toEqual(['answered, idle', 'answered, idle'])
  expect(changed).toBe('config-invalid, failed')
  const { 'another privacy': privacy, 'a long name': long, 'no address': address, ...inputs } = others
  expect([privacy, long, address]).toEqual(Array(3).fill('config-invalid, failed'))
  expect([...new Set(Object.values(inputs))]).toEqual(['true, failed'])
})

test('on a page whose other scripts extend what every object and array has', async ({ page }) => {
  const extend = `Object.prototype.extendMe = function () {}; Array.prototype.toJSON = function () { return 'changed' }`
  const body = `<script>${extend}</script>${site.script}<hither-widget task="languages"></hither-widget>`
  await page.goto(site.show('/extended', { body }))
  const label = await page.evaluate(async (text) => {
    await customElements.whenDefined('hither-widget')
    const { answer } = await (document.querySelector('hither-widget') as HitherWidget).run(text)
    return 'label' in answer ? answer.label : undefined
  }, sentence)
  expect(label).toBe('es')
  expect(troubles).toEqual([])
})
