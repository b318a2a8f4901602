import { expect, test, vi } from 'vitest'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { createModelStates } from './model-states.ts'

const files = { 'model.onnx': new Uint8Array(4) }
const [a, b] = [await fakeManifest(files, { name: 'a' }), await fakeManifest(files, { name: 'b' })]

/** Two models and a store that a test can change. */
function setUp() {
  const store = new Map<string, 'stored' | 'partial'>()
  const paused = new Set<string>()
  const onState = vi.fn()
  const states = createModelStates(
    {
      storedState: async (name) => {
        const status = store.get(name)
        if (status === undefined) return { status: 'absent' }
        return status === 'stored' ? { status, totalBytes: 4 } : { status, loadedBytes: 1, totalBytes: 4 }
      },
      note: async (name) => (paused.has(name) ? { paused: true } : {}),
    },
    onState,
  )
  return { states, store, paused, onState }
}

test('the store says stored, paused with what has arrived, or absent', async () => {
  const { states, store, paused } = setUp()
  expect(await states.stored(a)).toEqual({ status: 'absent' })
  store.set('a', 'partial')
  expect(await states.stored(a)).toEqual({ status: 'absent' })
  paused.add('a')
  expect(await states.stored(a)).toEqual({ status: 'paused', loadedBytes: 1, totalBytes: 4 })
  store.set('a', 'stored')
  expect(await states.stored(a)).toEqual({ status: 'stored', totalBytes: 4 })
})

test('a model that was evicted while another one was installed is absent', async () => {
  const { states, onState } = setUp()
  states.set(a, { status: 'stored', totalBytes: 4 })
  states.set(b, { status: 'stored', totalBytes: 4 })
  onState.mockClear()
  await states.rereadStored('b')
  expect(onState.mock.calls).toEqual([['a', { status: 'absent' }]])
  expect(states.known('b')?.status).toBe('stored')
})

test('a ready model whose worker has died counts as stored, all others stay', () => {
  const { states, onState } = setUp()
  states.set(a, { status: 'ready', totalBytes: 4, backend: 'wasm' })
  states.set(b, { status: 'loading', totalBytes: 4 })
  onState.mockClear()
  states.unloaded(() => true)
  expect(onState).not.toHaveBeenCalled()
  states.unloaded(() => false)
  expect(onState.mock.calls).toEqual([['a', { status: 'stored', totalBytes: 4 }]])
})

test('a model that nobody asked about is not reread', async () => {
  const { states, onState } = setUp()
  await states.reread('a')
  expect(onState).not.toHaveBeenCalled()
  expect(states.manifest('a')).toBeUndefined()
})
