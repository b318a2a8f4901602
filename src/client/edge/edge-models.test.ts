import { expect, test } from 'vitest'
import type { EdgeEngine, LoadedModel } from '../../edge/edge-types.ts'
import { CapabilityError } from '../../errors/capability-error.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import type { Background } from '../background/create-background.ts'
import { createEdgeModels } from './edge-models.ts'

const manifest = await fakeManifest({ 'model.onnx': Uint8Array.of(1) }, { name: 'model' })
const loaded: LoadedModel = { backend: 'wasm', threads: 1, createMs: 1, warmupMs: 1 }

/** What is asked of the engine and of the store, in its order; each step ends when the test says so. */
function open(changes: Partial<EdgeEngine> = {}) {
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
