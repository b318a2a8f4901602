import { afterEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import type { RunInputs, RunOptions, RunResult } from '../../client/types/run-types.ts'
import { NoArmError } from '../../errors/no-arm-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { createFakeClient, type FakeClientOptions, fakeModel, fakeResult } from '../../testing/fake-client.ts'
import { createApp } from '../state/app.ts'
import './hither-app.ts'

async function show(options: FakeClientOptions = {}) {
  const client = createFakeClient(options)
  const app = createApp({ settings: { problems: [] }, load: async () => () => client })
  const element = document.createElement('hither-app')
  element.app = app
  document.body.append(element)
  await element.updateComplete
  await app.start()
  await expect.element(page.getByTestId('pad')).toBeInTheDocument()
  const card = element.shadowRoot?.querySelector('home-page')?.shadowRoot?.querySelector('digit-card')
  if (!(card instanceof HTMLElement)) throw new Error('no card')
  return { element, card, own: page.elementLocator(card), client, app }
}

const reached = (card: HTMLElement, runs: number) => expect.poll(() => card.dataset.runs).toBe(String(runs))

const pngFile = async () => {
  const canvas = new OffscreenCanvas(8, 8)
  canvas.getContext('2d')
  return new File([await canvas.convertToBlob()], 'a.png', { type: 'image/png' })
}

/** Are there pixels that differ from the corner? */
function hasInk(canvas: HTMLCanvasElement): boolean {
  const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
  return Array.from({ length: data.length / 4 }, (_, i) => data[i * 4]).some((red) => red !== data[0])
}

afterEach(() => {
  document.body.replaceChildren()
  localStorage.clear()
  location.hash = ''
})

describe('hither-app', () => {
  it.each(['#/', '#/models', '#/routes'])('adds a model that is dropped on %s, on the page of models', async (from) => {
    const { client } = await show()
    const added: string[][] = []
    client.models.add = async (files) => {
      added.push((files as readonly File[]).map(({ name }) => name))
      return fakeModel()
    }
    location.hash = from
    const dataTransfer = new DataTransfer()
    for (const name of ['a.onnx', 'w.bin', 'b.onnx']) dataTransfer.items.add(new File(['x'], name))
    document.body.dispatchEvent(
      new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true, composed: true }),
    )
    await expect
      .poll(() => added, { timeout: 30_000 })
      .toEqual([
        ['a.onnx', 'w.bin'],
        ['b.onnx', 'w.bin'],
      ])
    expect(location.hash).toBe('#/models')
  })

  it('runs what is drawn and shows the answer, where it ran, how long and why', async () => {
    const seen: boolean[] = []
    const run = async (inputs: RunInputs) => {
      if ('image' in inputs && inputs.image instanceof HTMLCanvasElement) seen.push(hasInk(inputs.image))
      return fakeResult(4)
    }
    const { card, own } = await show({ run })
    expect(card.dataset.state).toBe('idle')
    await userEvent.click(own.getByTestId('pad'))
    await reached(card, 1)
    expect(seen).toEqual([true])
    expect(card.dataset.state).toBe('done')
    await expect.element(own.getByTestId('answer')).toHaveTextContent('4')
    await expect.element(own.getByTestId('probability-4')).toHaveAttribute('data-probability', '0.91')
    await expect.element(own.getByTestId('badge-arm')).toHaveTextContent('Edge · WASM')
    await expect.element(own.getByTestId('badge-ms')).toHaveTextContent('6.0 ms')
    await expect.element(own.getByTestId('why')).toHaveTextContent('predicted to finish first')
    await userEvent.click(own.getByTestId('badge'))
    await expect.element(own.getByTestId('predicted-cloud')).toHaveTextContent('60 ms')
  })

  it('clears the pad and the answer', async () => {
    const { card, own } = await show()
    await userEvent.click(own.getByTestId('pad'))
    await reached(card, 1)
    await userEvent.click(own.getByTestId('clear'))
    expect(card.dataset.state).toBe('idle')
    await expect.element(own.getByTestId('badge')).not.toBeInTheDocument()
    const canvas = own.getByTestId('pad').element()
    expect(canvas instanceof HTMLCanvasElement && hasInk(canvas)).toBe(false)
  })

  it('shows an error as a sentence with its code, and the next run works', async () => {
    const run = vi
      .fn<() => Promise<RunResult>>()
      .mockRejectedValueOnce(new ValidationError('picture-empty', 'There is nothing drawn here yet.'))
      .mockResolvedValue(fakeResult(1))
    const { card, own } = await show({ run })
    await userEvent.click(own.getByTestId('run'))
    await reached(card, 1)
    expect(card.dataset.state).toBe('error')
    await expect.element(own.getByTestId('error')).toHaveTextContent('There is nothing drawn here yet. picture-empty')
    await userEvent.click(own.getByTestId('pad'))
    await reached(card, 2)
    await expect.element(own.getByTestId('error')).not.toBeInTheDocument()
  })

  it('gives up a run when the drawing goes on', async () => {
    const signals: AbortSignal[] = []
    const run = (_: RunInputs, { signal }: RunOptions) => {
      if (signal) signals.push(signal)
      return signals.length === 1 ? new Promise<RunResult>(() => {}) : Promise.resolve(fakeResult(8))
    }
    const { card, own } = await show({ run })
    await userEvent.click(own.getByTestId('pad'))
    await expect.poll(() => signals.length).toBe(1)
    await userEvent.click(own.getByTestId('pad'), { position: { x: 20, y: 20 } })
    await reached(card, 1)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  })

  it('runs a chosen, a dropped and a pasted file, each as it is', async () => {
    const seen: unknown[] = []
    const run = async (inputs: RunInputs) => {
      seen.push('image' in inputs ? inputs.image : undefined)
      return fakeResult(2)
    }
    const { card, own } = await show({ run })
    const file = await pngFile()
    const transferOf = () => {
      const transfer = new DataTransfer()
      transfer.items.add(file)
      return transfer
    }
    const input = own.getByTestId('file-input').element()
    if (input instanceof HTMLInputElement) {
      input.files = transferOf().files
      input.dispatchEvent(new Event('change'))
    }
    await reached(card, 1)
    document.body.dispatchEvent(new DragEvent('dragenter', { dataTransfer: transferOf(), bubbles: true }))
    await expect.element(page.getByTestId('drop')).toBeVisible()
    const drop = new DragEvent('drop', { dataTransfer: transferOf(), bubbles: true, cancelable: true })
    document.body.dispatchEvent(drop)
    expect(drop.defaultPrevented).toBe(true)
    await reached(card, 2)
    await expect.element(page.getByTestId('drop')).not.toBeVisible()
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transferOf(), bubbles: true }))
    await reached(card, 3)
    expect(seen.map((image) => image instanceof File && image.name)).toEqual(['a.png', 'a.png', 'a.png'])
  })

  it('says so when what is dropped is no file', async () => {
    const { client, own } = await show()
    document.body.dispatchEvent(
      new DragEvent('drop', { dataTransfer: new DataTransfer(), bubbles: true, cancelable: true }),
    )
    await expect.element(own.getByTestId('error')).toHaveTextContent('not a picture file')
    expect(client.runs).toHaveLength(0)
  })

  it('applies the chosen privacy to the next run', async () => {
    const { card, own, client } = await show()
    await userEvent.selectOptions(page.getByTestId('privacy'), 'edge-only')
    await userEvent.click(own.getByTestId('pad'))
    await reached(card, 1)
    expect(client.runs[0]?.privacy).toBe('edge-only')
  })

  it('shows the model on its way, ready and removed', async () => {
    const { client, own } = await show({ list: async () => [fakeModel()] })
    client.emit('state', {
      model: 'digits',
      state: { status: 'downloading', loadedBytes: 100_000, totalBytes: 381_200 },
    })
    await expect.element(own.getByTestId('model-status')).toHaveTextContent('100 kB / 381 kB')
    await userEvent.click(page.getByTestId('nav-models'))
    // The page has read the list anew: the fake client's knows nothing of the download.
    await expect.element(page.getByTestId('space')).toBeVisible()
    const loadedBytes = 100_000
    client.emit('state', { model: 'digits', state: { status: 'downloading', loadedBytes, totalBytes: 381_200 } })
    await expect.element(page.getByTestId('progress')).toHaveAttribute('max', '381200')
    await expect.element(page.getByTestId('progress')).toHaveProperty('value', 100_000)
    client.emit('state', { model: 'digits', state: { status: 'ready', totalBytes: 381_200, backend: 'wasm' } })
    await expect.element(page.getByTestId('status')).toHaveTextContent('Ready · WASM')
    await userEvent.click(page.getByTestId('model-remove'))
    await expect.element(page.getByTestId('status')).toHaveAttribute('data-status', 'absent')
  })

  it('says at once that the cloud is needed while offline, and runs it in line when the network is back', async () => {
    const run = vi
      .fn<() => Promise<RunResult>>()
      .mockRejectedValueOnce(new NoArmError('no-arm', 'This device is offline, and the model is not here.'))
      .mockResolvedValue(fakeResult(3))
    const { card, own, client } = await show({ run, link: { online: false, saveData: false, samples: 0 } })
    await userEvent.click(own.getByTestId('pad'))
    await reached(card, 1)
    await expect.element(own.getByTestId('error')).toHaveTextContent('offline')
    await userEvent.click(own.getByTestId('wait'))
    expect(card.dataset.state).toBe('waiting')
    client.emit('link', { online: false, saveData: false, samples: 0 })
    expect(run).toHaveBeenCalledTimes(1)
    client.emit('link', { online: true, saveData: false, samples: 1 })
    await reached(card, 2)
    await expect.element(own.getByTestId('answer')).toHaveTextContent('3')
  })

  it('speaks Chinese at once when that is chosen, and keeps it', async () => {
    await show()
    await userEvent.click(page.getByTestId('nav-settings'))
    await userEvent.click(page.getByTestId('language-zh-Hans'))
    await expect.element(page.getByTestId('nav-models')).toHaveTextContent('模型')
    expect(document.documentElement.lang).toBe('zh-Hans')
    expect(localStorage.getItem('hither-preferences')).toContain('zh-Hans')
    await userEvent.click(page.getByTestId('language-en'))
    await expect.element(page.getByTestId('nav-models')).toHaveTextContent('Models')
  })

  it('hands a token to the client and writes it nowhere (case 52)', async () => {
    const tokens: (string | undefined)[] = []
    const app = createApp({
      settings: { problems: [] },
      load: async () => (options) => {
        tokens.push(options.token)
        return createFakeClient()
      },
    })
    const element = document.createElement('hither-app')
    element.app = app
    document.body.append(element)
    await app.start()
    location.hash = '#/settings'
    await userEvent.fill(page.getByTestId('token'), 'secret-token')
    await userEvent.click(page.getByTestId('save-endpoint'))
    await expect.poll(() => tokens.at(-1)).toBe('secret-token')
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain('secret-token')
  })

  it('opens what the address names, and moves the focus there', async () => {
    const { element } = await show()
    location.hash = '#/task/languages'
    await expect.element(page.getByTestId('text')).toBeVisible()
    expect(element.shadowRoot?.querySelector('home-page')?.shadowRoot?.querySelectorAll('.cards > *')).toHaveLength(1)
    location.hash = '#/routes'
    await expect.element(page.getByTestId('no-routes')).toBeVisible()
    await expect.poll(() => element.shadowRoot?.activeElement?.localName).toBe('main')
  })
})
