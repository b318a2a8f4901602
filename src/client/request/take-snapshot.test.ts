import { expect, test } from 'vitest'
import type { EdgeEngine } from '../../edge/edge-types.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import { createRouter } from '../../routing/deciding/create-router.ts'
import { createRouteLearner } from '../../routing/learning/route-learner.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import type { RequestParts } from './request-context.ts'
import { takeSnapshot } from './take-snapshot.ts'

test('the router is told what runs here usually take, and how long ago one was measured', async () => {
  const manifest = await fakeManifest({ 'model.onnx': new Uint8Array(1) })
  const clock = { nowMs: 1e6 }
  const busy = { waiting: 0, forMs: 0 }
  const learner = createRouteLearner({ now: () => clock.nowMs })
  const loaded = { backend: 'wasm', threads: 1, warmupMs: 20 }
  const parts = {
    edge: {
      ready: async () => {},
      forecast: () => loaded,
      loaded: () => loaded,
      waiting: () => busy.waiting,
      busyForMs: () => busy.forMs,
    } as unknown as EdgeEngine,
    edgeModels: { state: async () => ({ status: 'ready', totalBytes: 1, backend: 'wasm' }) },
    clouds: [],
    learner,
    router: createRouter(),
    watcher: { online: true, saveData: false, connection: undefined, onChange: () => () => {} },
    power: { savePower: false, onBattery: false, start() {}, stop() {} },
  } as unknown as RequestParts
  const edgeOf = async () =>
    (await takeSnapshot(parts, manifest, { privacy: 'any', requestBytes: 1, deadlineMs: undefined })).snapshot.edge
  for (let run = 0; run < 50; run += 1) learner.observeEdge(modelKey(manifest), 'wasm', 60)
  for (let run = 0; run < 5; run += 1) learner.observeEdge(modelKey(manifest), 'wasm', 300)
  clock.nowMs += 30_000
  const edge = await edgeOf()
  expect(edge.ageMs).toBe(30_000)
  expect(edge.usualMs).toBeLessThan(85)
  const { busyMs = 0 } = edge
  expect(busyMs).toBeGreaterThan(150)
  // Two runs before this one, the first of them half over; then longer under way than it was expected to take.
  Object.assign(busy, { waiting: 2, forMs: busyMs / 2 })
  expect((await edgeOf()).waitMs).toBeCloseTo(1.5 * busyMs, 0)
  busy.forMs = 10 * busyMs
  expect((await edgeOf()).waitMs).toBeCloseTo(1.1 * busyMs, 0)
})
