import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { privacyModes } from '../../contracts/route.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { fakeRequestContext, stubEdge } from '../../testing/fake-request-context.ts'
import { eventually } from '../../testing/until.ts'
import { abortable } from '../../utils/abortable.ts'
import { answer, type ClientRequest, whyNoManifest } from './answer.ts'

const files = { 'model.onnx': new Uint8Array(1) }
const classifier: Partial<Manifest> = {
  task: 'image-classification',
  inputs: [{ name: 'x', type: 'float32', shape: [1, 2] }],
  outputs: [{ name: 'y', type: 'float32', shape: [1, 2] }],
  labels: ['a', 'b'],
}
const large = await fakeManifest(files, { ...classifier, name: 'large' })
const cascade = { large: 'large', minConfidence: 0.8 }
const small = await fakeManifest(files, { ...classifier, name: 'small', cascade })
const inputs: TensorMap = { x: { type: 'float32', dims: [1, 2], data: Float32Array.of(1, 2) } }

/** An edge whose small model is not sure of its answer, and whose large one is; each run ends when the test says so. */
function setUp(options: { readonly largeHangs?: boolean } = {}) {
  const ran: string[] = []
  const probabilities = (manifest: Manifest) => (manifest.name === 'small' ? [0.6, 0.4] : [0.1, 0.9])
  const edge = stubEdge(
    {},
    {
      async run(manifest, _, { signal }) {
        ran.push(manifest.name)
        if (manifest.name === 'large' && options.largeHangs === true) await abortable(new Promise(() => {}), signal)
        const y = { type: 'float32', dims: [1, 2], data: Float32Array.from(probabilities(manifest)) } as const
        return { outputs: { y }, backend: 'wasm', queueMs: 0, computeMs: 1, totalMs: 1 }
      },
    },
  )
  const context = fakeRequestContext({ edge })
  const manifest = vi.fn(async (name: string) => (name === 'large' ? large : small))
  const parts = { context, background: { manifest }, open: vi.fn(async () => {}) }
  const prepare = vi.fn<ClientRequest['prepare']>(async () => inputs)
  const ask = (changes: Partial<ClientRequest> = {}) =>
    answer(parts, {
      model: 'small',
      prepare,
      privacy: 'any',
      cascade: true,
      signal: new AbortController().signal,
      startedAt: performance.now(),
      startedAtMs: 0,
      ...changes,
    })
  return { ran, parts, manifest, prepare, ask }
}

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => vi.useRealTimers())

test('the inputs are prepared for each model that runs, by its own manifest', async () => {
  const { ask, ran, prepare } = setUp()
  const run = await ask()
  expect(ran).toEqual(['small', 'large'])
  expect(prepare.mock.calls.map(([{ name }]) => name)).toEqual(['small', 'large'])
  expect(run.manifest.name).toBe('large')
  expect(run.route.cascade?.outcome).toBe('large-answered')
})

test.each<[string, Partial<ClientRequest>]>([
  ['the caller wants none', { cascade: false }],
  ['its inputs were handed over', { transfer: true }],
  ['it has none', { model: 'large' }],
])('no larger model runs where %s', async (_, changes) => {
  const { ask, ran } = setUp()
  const run = await ask(changes)
  expect(ran).toHaveLength(1)
  expect(run.route.cascade).toBeUndefined()
})

test('when the time ends while the larger model runs, the small one has answered', async () => {
  const { ask, ran } = setUp({ largeHangs: true })
  const asked = ask({ timeoutMs: 1_000 })
  await eventually(() => expect(ran).toEqual(['small', 'large']))
  await vi.advanceTimersByTimeAsync(1_000)
  const { manifest, route } = await asked
  expect(manifest.name).toBe('small')
  expect(route.cascade?.outcome).toBe('large-too-late')
})

test('an abort while the larger model runs ends the request with its own reason', async () => {
  const { ask, ran } = setUp({ largeHangs: true })
  const controller = new AbortController()
  const asked = ask({ signal: controller.signal })
  await eventually(() => expect(ran).toEqual(['small', 'large']))
  controller.abort('enough')
  await expect(asked).rejects.toBe('enough')
})

test('the time counts from the request’s start, and preparing the inputs is part of it', async () => {
  const { ask, prepare, ran } = setUp()
  prepare.mockImplementation(() => new Promise(() => {}))
  const asked = ask({ timeoutMs: 1_000, startedAt: performance.now() - 900 })
  const end = expect(asked).rejects.toMatchObject({ name: 'NoArmError', code: 'deadline-exceeded' })
  await vi.advanceTimersByTimeAsync(101)
  await end
  expect(ran).toEqual([])
})

test('inputs that come after the time has ended do not run', async () => {
  const { ask, prepare, ran } = setUp()
  let give = (_: TensorMap) => {}
  prepare.mockImplementation(() => new Promise((resolve) => (give = resolve)))
  const asked = ask({ timeoutMs: 1_000 })
  asked.catch(() => {})
  await vi.advanceTimersByTimeAsync(1_000)
  give(inputs)
  await expect(asked).rejects.toMatchObject({ code: 'deadline-exceeded' })
  await vi.advanceTimersByTimeAsync(0)
  expect(ran).toEqual([])
})

test('a closed client and inputs that do not fit fail before anything runs', async () => {
  const closed = setUp()
  closed.parts.open.mockRejectedValue(new Error('closed'))
  await expect(closed.ask()).rejects.toThrow('closed')
  expect(closed.manifest).not.toHaveBeenCalled()
  const wrong = setUp()
  wrong.prepare.mockRejectedValue(new ValidationError('input-missing', 'x is missing.'))
  await expect(wrong.ask()).rejects.toMatchObject({ code: 'input-missing' })
  expect(wrong.ran).toEqual([])
})

const unlisted = new ModelError('catalog-unavailable', 'Could not load it: the server cannot be reached.')

test('offline, an unknown model says what a person can do about it', () => {
  for (const privacy of privacyModes) {
    const thrown = whyNoManifest(unlisted, false, privacy)
    expect(thrown).toMatchObject({ name: 'NoArmError', code: 'no-arm', cause: unlisted })
    expect(String(thrown)).toContain('offline')
  }
})

test('what else keeps a manifest from coming is thrown as it is', () => {
  expect(whyNoManifest(unlisted, true, 'any')).toBe(unlisted)
  const withdrawn = new ModelError('model-withdrawn', 'It took fours for nines.')
  expect(whyNoManifest(withdrawn, false, 'any')).toBe(withdrawn)
})
