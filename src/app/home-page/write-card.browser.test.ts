import { html, nothing, render } from 'lit'
import { afterEach, expect, test } from 'vitest'
import { moveReasons } from '../../contracts/route-reasons.ts'
import type { Client, ModelEntry } from '../../index.ts'
import { createFakeClient } from '../../testing/fake-client.ts'
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
async function drawn(models: readonly ModelEntry[], client?: Client) {
  const load = client === undefined ? () => new Promise<never>(() => {}) : async () => () => client
  const base = createApp({ settings: { problems: [] }, load })
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

test('the text shows where the other side went on with it, and why', async () => {
  const client = createFakeClient({
    parts: [
      { type: 'text', text: 'there was ', tokens: 2, arm: 'cloud' },
      ...[
        {
          type: 'moved',
          from: 'cloud',
          to: 'edge',
          reason: 'stalled',
          why: moveReasons.stalled,
          atToken: 2,
          gapMs: 9,
        } as const,
      ],
      { type: 'text', text: 'a king', tokens: 2, arm: 'edge' },
    ],
  })
  const { part } = await drawn([writer('tales', 'text')], client)
  const field = part('beginning')
  if (!(field instanceof HTMLTextAreaElement)) throw new Error('nowhere to write')
  field.value = 'Once '
  part('write')?.click()
  await expect.poll(() => document.querySelector('write-card')?.dataset.runs).toBe('1')
  const written = document.querySelector('write-card')?.shadowRoot?.querySelector('hither-written')
  await written?.updateComplete
  const text = written?.shadowRoot?.querySelector('[data-testid="written"]')
  const mark = text?.querySelector('[data-testid="move-mark"]')
  expect(text?.textContent).toBe('Once there was 1a king')
  expect(mark?.textContent).toBe('1')
  const why = 'This device went on. No more words came.'
  expect(mark?.getAttribute('aria-label')).toBe(`Taken over here (1): ${why}`)
  expect(written?.shadowRoot?.querySelector('[data-testid="moves"]')?.textContent.trim()).toBe(why)
  const figures = written?.shadowRoot?.querySelector('[data-testid="written-figures"]')
  expect(figures?.textContent).toContain('written on this device')
})
