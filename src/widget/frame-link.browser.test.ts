import { expect, it } from 'vitest'
import { openFrame } from './frame-link.ts'
import type { EngineOptions } from './messages.ts'

const events = { onProgress: () => {}, onState: () => {}, onMeasured: () => {}, onText: () => {} }
const open = (options: object) =>
  openFrame(new URL('https://host.invalid/'), options as unknown as EngineOptions, events, new AbortController().signal)

it.each<[string, object]>([
  ['privacy', { task: 'digits', privacy: 'nobody' }],
  ['model', { task: 'digits', model: 'x'.repeat(201) }],
  ['task', { task: null }],
  ['endpoint', { task: 'digits', endpoint: `https://a.example/${'x'.repeat(2000)}` }],
])('refuses a %s that its frame would not answer, before there is a frame', async (name, options) => {
  await expect(open(options)).rejects.toMatchObject({
    name: 'WidgetError',
    code: 'config-invalid',
    message: expect.stringContaining(name),
  })
  expect(document.querySelectorAll('iframe')).toHaveLength(0)
})
