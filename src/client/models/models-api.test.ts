import { afterEach, expect, test, vi } from 'vitest'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { lazy } from '../../utils/lazy.ts'
import type { Background } from '../background/create-background.ts'
import type { EdgeModels } from '../edge/edge-models.ts'
import type { ModelUpdates } from './model-updates.ts'
import { createModelsApi } from './models-api.ts'

afterEach(() => vi.unstubAllGlobals())

function setUp(isActing: boolean) {
  vi.stubGlobal('navigator', { userActivation: { isActive: isActing } })
  const order: string[] = []
  const persist = vi.fn(async () => {
    order.push('persist')
    return true
  })
  const background = {
    manifest: async () => {
      order.push('manifest')
      return fakeManifest({ 'model.onnx': new Uint8Array(1) })
    },
    changeNote: async (_: string, note: object) => void order.push(JSON.stringify(note)),
  } as unknown as Background
  const models = createModelsApi({
    background,
    edgeModels: {} as EdgeModels,
    updates: lazy(async () => ({}) as ModelUpdates),
    open: async () => {},
    closing: new AbortController().signal,
    storage: { persist },
  })
  return { models, order, persist }
}

test('a pin on a click asks the browser to keep the storage, while the click still counts', async () => {
  const { models, order } = setUp(true)
  await models.pin('fake')
  expect(order).toEqual(['persist', 'manifest', '{"pinned":true}'])
})

test('a pin without a click asks nothing: a browser would show a question out of the blue, or refuse for ever', async () => {
  const { models, order, persist } = setUp(false)
  await models.pin('fake')
  expect(order).toEqual(['manifest', '{"pinned":true}'])
  expect(await models.protect()).toBe(true)
  expect(persist).toHaveBeenCalledTimes(1)
})

test('a browser that refuses, or has no storage manager, is no error', async () => {
  const { models, persist } = setUp(true)
  persist.mockRejectedValue(new TypeError('not allowed'))
  await models.pin('fake')
  expect(await models.protect()).toBe(false)
})

test('a client that is closed while it lists gives its reason, and no list of what it had by then', async () => {
  const closing = new AbortController()
  const reason = new Error('closed')
  const background = {
    models: async () => ['fake', 'late'],
    manifest: async (name: string) => {
      if (name === 'fake') return fakeManifest({ 'model.onnx': new Uint8Array(1) })
      closing.abort(reason)
      throw reason
    },
    note: async () => ({}),
  } as unknown as Background
  const models = createModelsApi({
    background,
    edgeModels: { state: async () => ({ status: 'absent' }) } as unknown as EdgeModels,
    updates: lazy(async () => ({}) as ModelUpdates),
    open: async () => {},
    closing: closing.signal,
  })
  await expect(models.list()).rejects.toBe(reason)
})
