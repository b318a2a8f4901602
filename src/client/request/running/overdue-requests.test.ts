import { afterEach, expect, test, vi } from 'vitest'
import type { TensorMap } from '../../../contracts/tensor.ts'
import { fakeManifest } from '../../../testing/fake-manifest.ts'
import { fakeRequestContext, onlineWatcher, stubEdge } from '../../../testing/fake-request-context.ts'
import { meanOf } from '../../../utils/log-normal.ts'
import { createCloudLink } from '../../cloud/cloud-link.ts'
import { refreshKnowledge } from '../snapshot/knowledge.ts'
import { takeSnapshot } from '../snapshot/take-snapshot.ts'
import { runOnArm } from './arm-runs.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

test('while a request waits for a link that has stopped, the next one is not promised the speed of before', async () => {
  const manifest = await fakeManifest({ 'model.onnx': new Uint8Array(1) })
  const inputs: TensorMap = { x: { type: 'uint8', dims: [1, 16], data: new Uint8Array(16) } }
  vi.stubGlobal(
    'fetch',
    (_: string, { signal }: RequestInit) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  )
  const startMs = Date.now()
  const clock = vi.spyOn(Date, 'now').mockReturnValue(startMs)
  const cloud = createCloudLink({ url: 'https://a.example' }, onlineWatcher, () => {})
  const context = fakeRequestContext({
    edge: stubEdge({}, { forecast: () => undefined, loaded: () => undefined }),
    clouds: [cloud],
  })
  const predictedMs = async () => {
    const knowledge = await refreshKnowledge(context, manifest, 'any')
    const { snapshot } = takeSnapshot(knowledge, manifest, { privacy: 'any', requestBytes: 616 })
    const time = snapshot.clouds[0]?.time
    return time === undefined ? Number.NaN : meanOf(time)
  }

  const before = await predictedMs()
  const aborting = new AbortController()
  const request = { manifest, inputs, privacy: 'any', id: 'one', cloudSlowMs: 500 } as const
  const waiting = runOnArm(context, request, { arm: 'cloud', endpoint: cloud.name }, aborting.signal)
  clock.mockReturnValue(startMs + 400)
  expect(await predictedMs()).toBeLessThan(1.1 * before)
  clock.mockReturnValue(startMs + 5_000)
  const during = await predictedMs()
  expect(during).toBeGreaterThan(1.5 * before)
  aborting.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  // Ended, it says nothing more.
  clock.mockReturnValue(startMs + 20_000)
  expect(await predictedMs()).toBeLessThan(1.2 * during)
})
