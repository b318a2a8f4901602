import { afterEach, expect, test } from 'vitest'
import { type Background, createBackground } from './create-background.ts'
import { keepManifests } from './manifest-cache.ts'

const opened: Background[] = []
function open() {
  const workers: Worker[] = []
  const background = createBackground(
    () => {
      const worker = new Worker(new URL('../../testing/two-revisions.worker.ts', import.meta.url), { type: 'module' })
      workers.push(worker)
      return worker
    },
    {
      catalogUrl: `https://models.test/${crypto.randomUUID()}/catalog.json`,
      backends: ['wasm'],
      memoryBytes: 1_000_000,
      tokenOrigins: [],
    },
  )
  opened.push(background)
  return { background, workers }
}
afterEach(() => {
  for (const background of opened.splice(0)) background.terminate(new Error('the test is over'))
})

test('inputs are prepared for the revision that the page holds, also when the worker has another one by now', async () => {
  const { background, workers } = open()
  const page = keepManifests(background, () => 0)
  const held = await page.manifest('text')
  expect(held.revision).toBe('3')
  // Another tab has brought the newer one: this page's copy of the manifest does not know.
  workers[0]?.postMessage({ revision: '5' })
  await background.newer('text')
  expect((await background.manifest('text')).revision).toBe('5')
  expect((await page.manifest('text')).revision).toBe('3')

  const prepared = await page.prepareText(await page.manifest('text'), 'abcdefgh')
  expect(prepared.x?.dims).toEqual([1, 3])
  // The revision that is stored is asked about, not the one that would serve.
  await expect(page.storedState('text', held.revision)).rejects.toMatchObject({ code: 'stored-model-damaged' })
})

test('a sound is cut in the worker, by the manifest that was given', async () => {
  const { background } = open()
  const held = await background.manifest('text')
  await expect(background.openSound(held, 8_000)).rejects.toMatchObject({ code: 'manifest-invalid' })
  const sound = { kind: 'sound', rateHz: 8_000, windowSamples: 16 } as const
  const cutter = await background.openSound({ ...held, preprocessing: sound }, 8_000)
  const samples = new Float32Array(24).fill(0.5)
  expect(await cutter.push([samples], false)).toHaveLength(16)
  expect(samples.length).toBe(0)
  expect(await cutter.push([new Float32Array(4)], true)).toHaveLength(16)
})

test('a worker that has died is started again, and what it kept for a caller is lost with it', async () => {
  const { background, workers } = open()
  const held = await background.manifest('text')
  const sound = { kind: 'sound', rateHz: 8_000, windowSamples: 16 } as const
  const cutter = await background.openSound({ ...held, preprocessing: sound }, 8_000)
  workers[0]?.dispatchEvent(new ErrorEvent('error', { message: 'a fault of the test' }))
  await expect(cutter.push([new Float32Array(16)], false)).rejects.toMatchObject({ code: 'worker-unavailable' })
  expect((await background.manifest('text')).revision).toBe('3')
  expect(workers).toHaveLength(2)
})

test('where the page may start no worker, calls reject with a typed error', async () => {
  const background = createBackground(
    () => {
      throw new DOMException('refused', 'SecurityError')
    },
    { catalogUrl: 'https://models.test/catalog.json', backends: ['wasm'], memoryBytes: 1, tokenOrigins: [] },
  )
  await expect(background.models()).rejects.toMatchObject({ code: 'worker-unavailable' })
  await expect(background.prepareText({ name: 'text' } as never, 'abc')).rejects.toMatchObject({
    code: 'worker-unavailable',
  })
})
