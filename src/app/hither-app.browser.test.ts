import { afterEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import type { RunInputs, RunOptions, RunResult } from '../client/types.ts'
import { ValidationError } from '../errors/validation-error.ts'
import { createFakeClient, type FakeClientOptions, fakeModel, fakeResult } from '../testing/fake-client.ts'
import type { HitherApp } from './hither-app.ts'
import './hither-app.ts'
import { createSession } from './session.ts'

async function show(options: FakeClientOptions = {}) {
  const client = createFakeClient(options)
  const session = createSession(client)
  const app = document.createElement('hither-app')
  app.session = session
  document.body.append(app)
  await app.updateComplete
  await session.start()
  return { app, client, session }
}

const reached = (app: HitherApp, runs: number) => expect.poll(() => app.dataset.runs).toBe(String(runs))

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
})

describe('hither-app', () => {
  it('runs what is drawn and shows the answer, where it ran, how long and why', async () => {
    const seen: boolean[] = []
    const run = async (inputs: RunInputs) => {
      if ('image' in inputs && inputs.image instanceof HTMLCanvasElement) seen.push(hasInk(inputs.image))
      return fakeResult(4)
    }
    const { app } = await show({ run })
    expect(app.dataset.state).toBe('idle')
    await userEvent.click(page.getByTestId('pad'))
    await reached(app, 1)
    expect(seen).toEqual([true])
    expect(app.dataset.state).toBe('done')
    await expect.element(page.getByTestId('answer')).toHaveTextContent('4')
    await expect.element(page.getByTestId('probability-4')).toHaveAttribute('data-probability', '0.91')
    await expect.element(page.getByTestId('badge-arm')).toHaveTextContent('Edge · WASM')
    await expect.element(page.getByTestId('badge-ms')).toHaveTextContent('6.0 ms')
    await expect.element(page.getByTestId('why')).toHaveTextContent('predicted to finish first')
    await expect.element(page.getByTestId('predicted-cloud')).toHaveTextContent('60 ms')
  })

  it('clears the pad and the answer', async () => {
    const { app } = await show()
    await userEvent.click(page.getByTestId('pad'))
    await reached(app, 1)
    await userEvent.click(page.getByTestId('clear'))
    expect(app.dataset.state).toBe('idle')
    await expect.element(page.getByTestId('badge')).not.toBeInTheDocument()
    const canvas = page.getByTestId('pad').element()
    expect(canvas instanceof HTMLCanvasElement && hasInk(canvas)).toBe(false)
  })

  it('shows an error as a sentence with its code, and the next run works', async () => {
    const run = vi
      .fn<() => Promise<RunResult>>()
      .mockRejectedValueOnce(new ValidationError('picture-empty', 'There is nothing drawn here yet.'))
      .mockResolvedValue(fakeResult(1))
    const { app } = await show({ run })
    await userEvent.click(page.getByTestId('run'))
    await reached(app, 1)
    expect(app.dataset.state).toBe('error')
    await expect.element(page.getByTestId('error')).toHaveTextContent('There is nothing drawn here yet. picture-empty')
    await userEvent.click(page.getByTestId('pad'))
    await reached(app, 2)
    await expect.element(page.getByTestId('error')).not.toBeInTheDocument()
  })

  it('gives up a run when the drawing goes on', async () => {
    const signals: AbortSignal[] = []
    const run = (_: RunInputs, { signal }: RunOptions) => {
      if (signal) signals.push(signal)
      return signals.length === 1 ? new Promise<RunResult>(() => {}) : Promise.resolve(fakeResult(8))
    }
    const { app } = await show({ run })
    await userEvent.click(page.getByTestId('pad'))
    await expect.poll(() => signals.length).toBe(1)
    await userEvent.click(page.getByTestId('pad'), { position: { x: 20, y: 20 } })
    await reached(app, 1)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  })

  it('runs a chosen, a dropped and a pasted file, each as it is', async () => {
    const seen: unknown[] = []
    const run = async (inputs: RunInputs) => {
      seen.push('image' in inputs ? inputs.image : undefined)
      return fakeResult(2)
    }
    const { app } = await show({ run })
    const file = await pngFile()
    const transferOf = () => {
      const transfer = new DataTransfer()
      transfer.items.add(file)
      return transfer
    }
    const input = page.getByTestId('file-input').element()
    if (input instanceof HTMLInputElement) {
      input.files = transferOf().files
      input.dispatchEvent(new Event('change'))
    }
    await reached(app, 1)
    document.body.dispatchEvent(new DragEvent('dragenter', { dataTransfer: transferOf(), bubbles: true }))
    await expect.element(page.getByTestId('drop')).toBeVisible()
    const drop = new DragEvent('drop', { dataTransfer: transferOf(), bubbles: true, cancelable: true })
    document.body.dispatchEvent(drop)
    expect(drop.defaultPrevented).toBe(true)
    await reached(app, 2)
    await expect.element(page.getByTestId('drop')).not.toBeVisible()
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transferOf(), bubbles: true }))
    await reached(app, 3)
    expect(seen.map((image) => image instanceof File && image.name)).toEqual(['a.png', 'a.png', 'a.png'])
  })

  it('says so when what is dropped is no file', async () => {
    const { client } = await show()
    document.body.dispatchEvent(
      new DragEvent('drop', { dataTransfer: new DataTransfer(), bubbles: true, cancelable: true }),
    )
    await expect.element(page.getByTestId('error')).toHaveTextContent('not a picture file')
    expect(client.runs).toHaveLength(0)
  })

  it('applies the chosen privacy to the next run', async () => {
    const { app, client } = await show()
    await userEvent.selectOptions(page.getByTestId('privacy'), 'edge-only')
    await userEvent.click(page.getByTestId('pad'))
    await reached(app, 1)
    expect(client.runs[0]?.privacy).toBe('edge-only')
  })

  it('shows the model on its way, ready and removed', async () => {
    const { client } = await show({ list: async () => [fakeModel()] })
    client.emit('state', {
      model: 'digits',
      state: { status: 'downloading', loadedBytes: 100_000, totalBytes: 381_200 },
    })
    await expect.element(page.getByTestId('progress')).toHaveAttribute('max', '381200')
    await expect.element(page.getByTestId('progress')).toHaveProperty('value', 100_000)
    client.emit('state', { model: 'digits', state: { status: 'ready', totalBytes: 381_200, backend: 'wasm' } })
    await expect.element(page.getByTestId('model-status')).toHaveTextContent('Ready · WASM')
    await userEvent.click(page.getByTestId('model-remove'))
    await expect.element(page.getByTestId('model-status')).toHaveAttribute('data-status', 'absent')
  })
})
