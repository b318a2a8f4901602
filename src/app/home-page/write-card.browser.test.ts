import { html, nothing, render } from 'lit'
import { afterEach, expect, test } from 'vitest'
import type { ModelEntry } from '../../index.ts'
import { taskSpecs } from '../../ui/texts/tasks.ts'
import { type App, createApp } from '../state/app.ts'
import './write-card.ts'

const writer = (name: string, writes: 'chat' | 'text'): ModelEntry => ({
  name,
  revision: '1',
  title: name,
  description: '',
  license: { name: 'MIT', mustAccept: false, accepted: true },
  task: 'text-generation',
  writes,
  totalBytes: 1_000,
  state: { status: 'absent' },
  pinned: false,
  added: false,
})

afterEach(() => {
  render(nothing, document.body)
})

/** The card as the page draws it, which gives it the page's own spec each time. */
async function drawn(models: readonly ModelEntry[]) {
  const base = createApp({ settings: { problems: [] }, load: () => new Promise(() => {}) })
  const app: App = {
    ...base,
    get state() {
      return { ...base.state, models }
    },
  }
  const spec = taskSpecs.find(({ id }) => id === 'write')
  const draw = async () => {
    render(html`<write-card .app=${app} .spec=${spec}></write-card>`, document.body)
    const card = document.querySelector('write-card')
    if (card === null) throw new Error('no card')
    await card.updateComplete
    return card
  }
  await draw()
  const shown = await draw()
  const part = (name: string) => shown.shadowRoot?.querySelector<HTMLElement>(`[data-testid="${name}"]`)
  return { draw, part }
}

test('a catalogue with another writer: the card is about that one, also when the page is drawn again', async () => {
  const { part } = await drawn([writer('smollm2', 'chat')])
  expect(part('model-status')?.dataset.status).toBe('absent')
  expect(part('beginning')?.getAttribute('aria-label')).toBe('A message')
})

test('the writer that was chosen stays chosen when the page is drawn again', async () => {
  const { draw, part } = await drawn([writer('tales', 'text'), writer('smollm2', 'chat')])
  expect(part('beginning')?.getAttribute('aria-label')).toMatch(/^A beginning/)
  const select = part('writer')
  if (!(select instanceof HTMLSelectElement)) throw new Error('nothing to choose from')
  select.value = 'smollm2'
  select.dispatchEvent(new Event('change'))
  await draw()
  expect(part('beginning')?.getAttribute('aria-label')).toBe('A message')
  expect(select.value).toBe('smollm2')
})
