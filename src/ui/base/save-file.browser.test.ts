import { afterEach, expect, test, vi } from 'vitest'
import { saveFile } from './save-file.ts'

afterEach(() => vi.restoreAllMocks())

test('has the browser download the content under its name', async () => {
  const clicked: HTMLAnchorElement[] = []
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
    clicked.push(this)
  })
  saveFile('routes.jsonl', new Blob(['{}']))
  expect(clicked.map(({ download }) => download)).toEqual(['routes.jsonl'])
  const [{ href } = { href: '' }] = clicked
  expect(await (await fetch(href)).text()).toBe('{}')
})
