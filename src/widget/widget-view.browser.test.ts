import { render } from 'lit'
import { afterEach, expect, test } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { moveReasons } from '../contracts/route-reasons.ts'
import { readMessage, textArguments } from './messages.ts'
import { createView, type WidgetHost } from './widget-view.ts'

afterEach(() => document.body.replaceChildren())

/** A widget that keeps what its view asks of it. */
function show(task: string) {
  const runs: unknown[] = []
  const place = document.createElement('div')
  document.body.append(place)
  let cleared = 0
  const host: WidgetHost = {
    task,
    status: 'idle',
    answer: undefined,
    route: undefined,
    renderRoot: place,
    run: async (input) => runs.push(input),
    clear: () => {
      cleared += 1
    },
    stop: () => {},
    requestUpdate: () => draw(),
  }
  const view = createView(host)
  const draw = () => render([view.input(), view.answer()], place)
  draw()
  return { view, host, draw, runs, place, cleared: () => cleared }
}

async function choose(file: File): Promise<void> {
  const input = page.getByTestId('widget-file').element() as HTMLInputElement
  const transfer = new DataTransfer()
  transfer.items.add(file)
  input.files = transfer.files
  input.dispatchEvent(new Event('change'))
}

async function pngFile(): Promise<File> {
  const canvas = new OffscreenCanvas(8, 4)
  canvas.getContext('2d')
  return new File([await canvas.convertToBlob()], 'a.png', { type: 'image/png' })
}

test('a chosen picture is run as it is, and shown', async () => {
  const { runs, place } = show('faces')
  const file = await pngFile()
  await choose(file)
  expect(runs).toEqual([file])
  await expect.poll(() => place.querySelector('hither-finds')?.picture?.width).toBeGreaterThan(0)
})

test('a typed text is run after a pause, and an empty one clears', async () => {
  const { runs, cleared } = show('languages')
  const field = page.getByRole('textbox')
  await userEvent.fill(field, 'Guten Tag')
  await expect.poll(() => runs).toEqual(['Guten Tag'])
  await userEvent.fill(field, ' ')
  expect(cleared()).toBe(1)
})

test('an unknown task is shown as the first one', () => {
  const { view, place } = show('anything')
  expect(view.title()).toBe('Digits')
  expect(place.querySelector('hither-pad')).not.toBeNull()
})

test('a text shows where the other side went on with it, and why, as the frame has told it', async () => {
  const { host, draw, place } = show('write')
  await customElements.whenDefined('hither-written')
  await place.querySelector('hither-written')?.updateComplete
  const move = { at: 5, from: 'edge', to: 'cloud', reason: 'battery', why: moveReasons.battery } as const
  const told = [{ text: 'Once upon', tokens: 3, arm: 'cloud', moves: [move, { ...move, at: 9, restarted: true }] }]
  // By the channel to the frame, which keeps what it does not know of.
  const [written] = readMessage(textArguments, structuredClone(told)) ?? []
  Object.assign(host, { status: 'running', answer: written })
  draw()
  const find = (id: string) => [
    ...(place.querySelector('hither-written')?.shadowRoot?.querySelectorAll(`[data-testid="${id}"]`) ?? []),
  ]
  await expect.poll(() => find('written')[0]?.textContent).toBe('Once 1upon2')
  expect(find('move-mark').map((mark) => mark.getAttribute('aria-label'))).toEqual([
    'Taken over here (1): The cloud went on. The battery is low.',
    'Taken over here (2): The cloud began anew. The battery is low.',
  ])
  // A reason that is none is no message.
  expect(readMessage(textArguments, [{ ...told[0], moves: [{ ...move, reason: 'whim' }] }])).toBeUndefined()
})
