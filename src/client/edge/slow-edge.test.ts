import { expect, test } from 'vitest'
import { floats, scalingModel } from '../../testing/backend-models.ts'
import { describeBackend } from '../../testing/describe-backend.ts'
import { createFakeEdge } from '../../testing/fake-edge.ts'
import { slowEdge } from './slow-edge.ts'

describeBackend('a slowed engine', {
  open: (known) => slowEdge(createFakeEdge({ computeOf: ({ name }) => known(name)?.compute }), 3),
})

test('runs, warm-ups and forecasts take as many times as long as the slowdown says', async () => {
  const { manifest, graph, compute } = await scalingModel('slowed', 2)
  const edge = slowEdge(createFakeEdge({ computeOf: () => compute, runMs: 2 }), 5)
  expect(await edge.load(manifest, async () => ({ graph }))).toMatchObject({ warmupMs: 10 })
  expect(edge.forecast(manifest)).toEqual({ backend: 'wasm', ms: 10 })
  const answer = await edge.run(manifest, { x: floats(1) }, { timeoutMs: 30_000 })
  expect(answer).toMatchObject({ computeMs: 10, totalMs: 10 })
  edge.close()
})
