import { afterEach, expect, test } from 'vitest'
import { page } from 'vitest/browser'
import './file-button.ts'

afterEach(() => document.body.replaceChildren())

async function show(change: { readonly plain?: boolean; readonly disabled?: boolean } = {}) {
  const element = Object.assign(document.createElement('hither-file'), { name: 'field', accept: 'image/*', ...change })
  element.textContent = 'Choose'
  const given: (readonly File[])[] = []
  element.addEventListener('files', (event) => given.push((event as CustomEvent<readonly File[]>).detail))
  document.body.append(element)
  await element.updateComplete
  const input = page.getByTestId('field').element() as HTMLInputElement
  const choose = (...names: string[]) => {
    const transfer = new DataTransfer()
    for (const name of names) transfer.items.add(new File(['a'], name))
    input.files = transfer.files
    input.dispatchEvent(new Event('change'))
  }
  return { input, choose, given }
}

test('gives the chosen files, and the same ones again when they are chosen again', async () => {
  const { input, choose, given } = await show()
  choose('a.png', 'b.png')
  expect(input.files).toHaveLength(0)
  choose('a.png')
  expect(given.map((files) => files.map(({ name }) => name))).toEqual([['a.png', 'b.png'], ['a.png']])
})

test('fires nothing when no file was chosen', async () => {
  const { choose, given } = await show()
  choose()
  expect(given).toEqual([])
})

test('is found by its label, and with the Tab key unless another button does the same', async () => {
  const { input } = await show()
  expect(input.labels?.[0]?.textContent).toBeDefined()
  expect([input.accept, input.tabIndex, input.disabled]).toEqual(['image/*', 0, false])
  document.body.replaceChildren()
  const plain = await show({ plain: true, disabled: true })
  expect([plain.input.tabIndex, plain.input.disabled]).toEqual([-1, true])
})
