import { afterEach, expect, test } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import type { AddModelOptions } from '../../client/types/models-types.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { createFakeClient, fakeModel } from '../../testing/fake-client.ts'
import { createApp } from '../state/app.ts'
import './add-model.ts'

afterEach(() => document.body.replaceChildren())

/** The field on a client that adds as it is told to. */
async function show(add: (files: readonly File[] | string, options: AddModelOptions) => Promise<void>) {
  const client = createFakeClient()
  const imported: string[] = []
  Object.assign(client.models, {
    add: async (source: readonly File[] | string, options: AddModelOptions) => {
      await add(source, options)
      return fakeModel()
    },
    import: async (file: File) => {
      imported.push(file.name)
      return []
    },
  })
  const element = document.createElement('add-model')
  element.app = createApp({ settings: { problems: [] }, load: async () => () => client })
  let added = 0
  element.addEventListener('added', () => {
    added += 1
  })
  document.body.append(element)
  await element.updateComplete
  return { element, imported, added: () => added }
}
const file = (name: string) => new File(['x'], name)
const taken = () =>
  new ValidationError('model-exists', 'There is another model.', { context: { name: 'a', free: 'a-2' } })

test('several files are added one after the other; what fails is said by its name, the others are added', async () => {
  const order: string[] = []
  const { element, imported, added } = await show(async (files) => {
    const [first] = files as readonly File[]
    order.push(first?.name ?? '')
    if (first?.name === 'b.onnx') {
      throw new ModelError('onnx-unreadable', 'It is damaged.', { context: { reason: 'it ends too early' } })
    }
  })
  await element.take([file('a.onnx'), file('b.onnx'), file('c.onnx'), file('D.ZIP')])
  expect(order).toEqual(['a.onnx', 'b.onnx', 'c.onnx'])
  expect(imported).toEqual(['D.ZIP'])
  expect(added()).toBe(3)
  const error = page.getByTestId('add-error')
  await expect.element(error).toHaveTextContent(/b\.onnx.*It is damaged\..*it ends too early.*onnx-unreadable/)
  // What is given next begins anew.
  await element.take([file('e.onnx')])
  await expect.element(error).not.toBeInTheDocument()
})

test('a name that is taken is a question: both are kept, or the new one is left out', async () => {
  const names: (string | undefined)[] = []
  const { element, added } = await show(async (_, { name }) => {
    names.push(name)
    if (name === undefined) throw taken()
  })
  await element.take([file('a.onnx')])
  await userEvent.click(page.getByTestId('keep-both'))
  await expect.poll(added).toBe(1)
  expect(names).toEqual([undefined, 'a-2'])
  await expect.element(page.getByTestId('add-error')).not.toBeInTheDocument()
  await element.take([file('a.onnx')])
  await userEvent.click(page.getByTestId('forget'))
  await expect.element(page.getByTestId('add-error')).not.toBeInTheDocument()
  expect(names).toHaveLength(3)
})

test('an address that is none is a sentence with its code', async () => {
  const { element } = await show(async (source) => {
    throw new ValidationError('address-invalid', `“${String(source)}” is no address.`)
  })
  element.shadowRoot?.querySelector<HTMLInputElement>('[name=address]')?.setAttribute('value', 'http://')
  element.shadowRoot?.querySelector('form')?.requestSubmit()
  await expect.element(page.getByTestId('add-error')).toHaveTextContent('“http://” is no address. address-invalid')
})
