import { expect, test, vi } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { NoArmError } from '../../errors/no-arm-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { createRouter } from '../../routing/deciding/create-router.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { logNormal } from '../../utils/log-normal.ts'
import { keptInTime, type LargerModel, runLarger } from './cascade.ts'
import type { ModelRun } from './model-run.ts'

const files = { 'model.onnx': new Uint8Array(1) }
const large = await fakeManifest(files, { name: 'large' })
const small = await fakeManifest(files, { name: 'small', cascade: { large: 'large', minConfidence: 0.8 } })

const runOf = (manifest: Manifest, probability: number, actualMs: number): ModelRun => ({
  manifest,
  outputs: {},
  answer: { label: manifest.name, probability, classes: [] },
  route: {
    id: manifest.name,
    model: manifest.name,
    revision: '1',
    startedAtMs: 0,
    ran: 'edge',
    backend: 'wasm',
    reason: 'edge-faster',
    why: '',
    predicted: {},
    actualMs,
    parts: {},
    attempts: [],
  },
})

/** A larger model that is ready, and the calls of it. */
function setUp(changes: Partial<LargerModel> = {}) {
  const plan = createRouter({ now: () => 0 }).peek({
    model: 'large',
    privacy: 'any',
    online: true,
    saveData: false,
    edge: { status: 'ready', time: logNormal(50, 0.1) },
    clouds: [],
  })
  const larger = {
    manifest: vi.fn(async () => large),
    look: () => ({ large: async () => plan, largeIsHere: async () => true }),
    run: vi.fn(async (manifest: Manifest) => runOf(manifest, 0.7, 60)),
    fetchAhead: vi.fn(),
    ...changes,
  }
  const ask = (confidence: number, leftMs?: number) =>
    runLarger(runOf(small, confidence, 10), { larger, leftMs: () => leftMs })
  return { larger, ask }
}

test('a sure answer is taken, and the record says so', async () => {
  const { ask, larger } = setUp()
  const { answer, route } = await ask(0.8)
  expect(answer?.label).toBe('small')
  expect(route.cascade).toMatchObject({ outcome: 'confident', large: 'large', minConfidence: 0.8 })
  expect(route.cascade?.small).toEqual({
    model: 'small',
    revision: '1',
    confidence: 0.8,
    ran: 'edge',
    backend: 'wasm',
    actualMs: 10,
  })
  expect(larger.manifest).not.toHaveBeenCalled()
})

test('an unsure answer is asked of the larger model, whose record tells of both', async () => {
  const { answer, route } = await setUp().ask(0.79)
  expect(answer?.label).toBe('large')
  expect(route).toMatchObject({ model: 'large', actualMs: 60 })
  expect(route.cascade).toMatchObject({ outcome: 'large-answered', small: { model: 'small', confidence: 0.79 } })
})

test('the small answer stands where the larger model fails, is unknown, or would be too late', async () => {
  const failing = async () => {
    throw new NoArmError('no-arm', 'It was not answered.')
  }
  expect((await setUp({ run: failing }).ask(0.1)).route.cascade?.outcome).toBe('large-failed')
  const unknown = async () => {
    throw new ValidationError('unknown-model', 'There is none.')
  }
  const { answer, route } = await setUp({ manifest: unknown }).ask(0.1)
  expect([answer?.label, route.cascade?.outcome]).toEqual(['small', 'large-failed'])
  const { ask, larger } = setUp()
  expect((await ask(0.1, 20)).route.cascade?.outcome).toBe('large-too-late')
  expect(larger.run).not.toHaveBeenCalled()
  expect(keptInTime(runOf(small, 0.1, 10)).route.cascade?.outcome).toBe('large-too-late')
})

test('a larger model that is not here comes for the next time, and this time nobody waits for it', async () => {
  const { ask, larger } = setUp({
    look: () => ({
      large: async () => ({ arm: undefined, reason: 'offline-model-absent', predicted: {} }),
      largeIsHere: async () => false,
    }),
  })
  expect((await ask(0.1)).route.cascade?.outcome).toBe('large-absent')
  expect(larger.fetchAhead).toHaveBeenCalledWith(large)
})

test('an abort is passed on, and is no failure of the larger model', async () => {
  const reason = new DOMException('enough', 'AbortError')
  await expect(setUp({ run: () => Promise.reject(reason) }).ask(0.1)).rejects.toBe(reason)
})

test('a model without a larger one is left as it is', async () => {
  const alone = runOf(large, 0.1, 10)
  const { larger } = setUp()
  expect(await runLarger(alone, { larger, leftMs: () => undefined })).toBe(alone)
  expect(keptInTime(alone)).toBe(alone)
})
