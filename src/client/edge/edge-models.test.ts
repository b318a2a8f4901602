import { describe, expect, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import type { EdgeEngine, LoadedModel } from '../../edge/edge-types.ts'
import { CapabilityError } from '../../errors/capability-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import type { Background } from '../background/create-background.ts'
import { createEdgeModels } from './edge-models.ts'

const manifest = await fakeManifest({ 'model.onnx': Uint8Array.of(1) }, { name: 'model' })
const loaded: LoadedModel = { backend: 'wasm', threads: 1, createMs: 1, warmupMs: 1 }

/** What is asked of the engine and of the store, in its order; each step ends when the test says so. */
function open(changes: Partial<EdgeEngine> = {}, backgroundChanges: Partial<Background> = {}) {
  const steps: string[] = []
  const ends = new Map<string, () => void>()
  const step = (name: string) => {
    steps.push(name)
    return new Promise<void>((resolve) => ends.set(name, resolve))
  }
  const edge = {
    check: async () => void steps.push('check'),
    measure: () => step('measure').then(() => []),
    anticipate: () => step('compile'),
    load: async (_: unknown, readFiles: () => Promise<unknown>) => {
      await readFiles()
      return loaded
    },
    loaded: () => undefined,
    ...changes,
  } as Partial<EdgeEngine> as EdgeEngine
  const background = {
    storedState: async () => ({ status: 'absent' }),
    note: async () => ({}),
    install: () => step('download'),
    readFiles: async () => {
      steps.push('read')
      return { graph: new Uint8Array() }
    },
    ...backgroundChanges,
  } as Partial<Background> as Background
  const models = createEdgeModels({
    background,
    edge,
    onState: () => {},
    onProgress: () => {},
    onLoaded: () => {},
    onInstalled: () => {},
  })
  const reached = (name: string) => expect.poll(() => steps.at(-1)).toBe(name)
  return { models, steps, reached, end: (name: string) => ends.get(name)?.() }
}

test('the device is measured before the model is downloaded, and the runtime compiles while it is', async () => {
  const { models, steps, reached, end } = open()
  const preparing = models.prepare(manifest)
  await reached('measure')
  expect(steps).toEqual(['check', 'measure'])
  end('measure')
  await reached('download')
  expect(steps).toEqual(['check', 'measure', 'compile', 'download'])
  end('download')
  // The runtime is not waited for before its worker is: loading does.
  expect(await preparing).toBe(loaded)
  expect(steps.at(-1)).toBe('read')
})

test('20: what this device cannot run is neither measured for nor downloaded', async () => {
  const refusal = new CapabilityError('model-unsupported', 'not here')
  const { models, steps } = open({ check: () => Promise.reject(refusal) })
  await expect(models.prepare(manifest)).rejects.toBe(refusal)
  await expect(models.download(manifest)).rejects.toBe(refusal)
  expect(steps).toEqual([])
})

test('a model is forgotten before it is unloaded: no run of another tab loads it again', async () => {
  const unload = async () => void steps.push('unload')
  const { models, steps } = open(
    { unload },
    { manifest: async () => manifest, remove: async () => void steps.push('remove') },
  )
  await models.remove('model')
  expect(steps).toEqual(['remove', 'unload'])
})

test('what no list shows is removed all the same; a model that there never was is an error', async () => {
  const unknown = new ValidationError('unknown-model', 'There is no such model.')
  const removed: string[] = []
  const { models } = open(
    {},
    {
      manifest: () => Promise.reject(unknown),
      remove: async (name) => (name === 'model' ? void removed.push(name) : Promise.reject(unknown)),
    },
  )
  await models.remove('model')
  expect(removed).toEqual(['model'])
  await expect(models.remove('never')).rejects.toBe(unknown)
})

describe('a model that another tab has changed', () => {
  const second = { ...manifest, revision: '2' }
  async function setUp(now: () => Promise<Manifest>) {
    const unloaded: string[] = []
    const { models, reached } = open(
      { unload: async ({ revision }) => void unloaded.push(revision) },
      { manifest: now, storedState: async () => ({ status: 'stored', totalBytes: 1 }) },
    )
    expect(await models.state(manifest)).toMatchObject({ status: 'stored' })
    await models.changedElsewhere(['model', 'never asked about'])
    return { models, unloaded, reached }
  }

  test('and removed is unloaded here', async () => {
    const gone = () => Promise.reject(new ValidationError('unknown-model', 'There is no such model.'))
    const { unloaded } = await setUp(gone)
    expect(unloaded).toEqual([manifest.revision])
  })

  test('and replaced is unloaded, and the other revision has a state of its own', async () => {
    const { models, unloaded } = await setUp(async () => second)
    expect(unloaded).toEqual([manifest.revision])
    expect(await models.state(second)).toMatchObject({ status: 'stored' })
  })

  test('and left as it is stays loaded; so does one of which the store does not know now', async () => {
    expect((await setUp(async () => manifest)).unloaded).toEqual([])
    const passing = new CapabilityError('worker-unavailable', 'not now')
    expect((await setUp(() => Promise.reject(passing))).unloaded).toEqual([])
  })

  test('while it is prepared ends the preparation with a typed error', async () => {
    const install: Background['install'] = async (_, __, { signal }) => signal?.throwIfAborted()
    const { models, reached, end } = open({ unload: async () => {} }, { manifest: async () => second, install })
    const preparing = models.prepare(manifest)
    const ended = expect(preparing).rejects.toMatchObject({ name: 'ValidationError', code: 'unknown-model' })
    await reached('measure')
    await models.changedElsewhere(undefined)
    end('measure')
    await ended
  })
})

test('what is known of one revision says nothing of another', async () => {
  const { models } = open(
    {},
    {
      storedState: async (_, revision) =>
        revision === '2' ? { status: 'absent' } : { status: 'stored', totalBytes: 1 },
    },
  )
  expect(await models.state(manifest)).toMatchObject({ status: 'stored' })
  expect(await models.state({ ...manifest, revision: '2' })).toMatchObject({ status: 'absent' })
})
