import { afterEach, expect, test } from 'vitest'
import { floats, scalingModel } from '../testing/backend-models.ts'
import { edgeFixture, readerOf } from '../testing/edge-fixture.ts'
import { fakeManifest } from '../testing/fake-manifest.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'
import { openEdgeSession } from './edge-session.ts'
import { toSessionPlan } from './session-plan.ts'

const { workers, openEdge, crash, closeAll } = edgeFixture()
afterEach(closeAll)

/** total = y + sum; the next run's sum is this one's total. The state has as many elements as `size` says. */
async function summing(size = 1) {
  const float = (name: string, shape: number[]) => ({ name, type: 'float32' as const, shape })
  const specs = { inputs: [float('y', [1]), float('sum', [size])], outputs: [float('total', [size])] }
  const graph = tinyOnnx({ ...specs, nodes: [{ op: 'Add', inputs: ['sum', 'y'], outputs: ['total'] }] })
  const state = [{ input: 'sum', output: 'total', shape: [size] }]
  const manifest = await fakeManifest({ 'model.onnx': graph }, { name: `summing-${size}`, ...specs, state })
  return { graph, manifest }
}

test('a model in a session does not make room', async () => {
  const needs = { requires: { memoryBytes: 600 } }
  const [held, other] = [await scalingModel('held', 2, needs), await scalingModel('other', 2, needs)]
  const edge = openEdge({ memoryBytes: 1_000 })
  const session = openEdgeSession(edge, toSessionPlan({ steps: [held] }), readerOf(held))
  await session.run({ x: floats(1) }, { timeoutMs: 30_000 })
  await expect(edge.load(other.manifest, readerOf(other))).rejects.toMatchObject({ code: 'memory-exhausted' })
  await session.close()
  await edge.load(other.manifest, readerOf(other))
  const { outputs } = await edge.run(other.manifest, { x: floats(1) }, { timeoutMs: 30_000 })
  expect(outputs.y?.data[0]).toBe(2)
})

test('a session keeps its state in the worker, and starts over when it is reset', async () => {
  const model = await summing()
  const edge = openEdge()
  const session = openEdgeSession(edge, toSessionPlan({ steps: [model], outputs: ['total'] }), readerOf(model))
  const run = async (y: number) => (await session.run({ y: floats(y) }, { timeoutMs: 30_000 })).outputs.total?.data[0]
  expect([await run(1), await run(2), await run(3)]).toEqual([1, 3, 6])
  expect(await Promise.all([run(1), run(1), run(1)])).toEqual([7, 8, 9])
  session.reset()
  expect(await run(5)).toBe(5)
  await session.close()
  await expect(run(1)).rejects.toMatchObject({ code: 'edge-session-lost' })
})

test('several models run as one, with state', async () => {
  const [first, second] = [await scalingModel('first', 2), await summing()]
  const edge = openEdge()
  const plan = toSessionPlan({ steps: [first, second], outputs: ['total'] })
  const session = openEdgeSession(edge, plan, (manifest) => readerOf(manifest.name === 'first' ? first : second)())
  const run = async (x: number) => (await session.run({ x: floats(x) }, { timeoutMs: 30_000 })).outputs
  expect((await run(1)).total?.data[0]).toBe(2)
  const outputs = await run(2)
  expect(outputs.total?.data[0]).toBe(6)
  expect(Object.keys(outputs)).toEqual(['total'])
})

test('26: a session whose worker throws goes on in another one from where it was', async () => {
  const model = await summing()
  const edge = openEdge()
  const session = openEdgeSession(edge, toSessionPlan({ steps: [model], outputs: ['total'] }), readerOf(model))
  const run = async (y: number) => (await session.run({ y: floats(y) }, { timeoutMs: 30_000 })).outputs.total?.data[0]
  expect([await run(1), await run(2)]).toEqual([1, 3])
  for (const fault of ['throw', 'reject'] as const) {
    const before = workers.length
    crash(fault)
    await expect.poll(() => edge.loaded(model.manifest)).toBeUndefined()
    expect(await run(10)).toBe(fault === 'throw' ? 13 : 23)
    expect(workers.length).toBe(before + 1)
  }
})

test('a state too large to be kept beside is lost with its worker, and the session says so once', async () => {
  const model = await summing(50_000)
  const edge = openEdge()
  const session = openEdgeSession(edge, toSessionPlan({ steps: [model], outputs: ['total'] }), readerOf(model))
  const run = async (y: number) => (await session.run({ y: floats(y) }, { timeoutMs: 30_000 })).outputs.total?.data[7]
  expect([await run(1), await run(2)]).toEqual([1, 3])
  crash()
  await expect.poll(() => edge.loaded(model.manifest)).toBeUndefined()
  await expect(run(1)).rejects.toMatchObject({ name: 'EdgeError', code: 'edge-session-lost' })
  expect(await run(4)).toBe(4)
})

test('an aborted run leaves the session where it was', async () => {
  const model = await summing()
  const edge = openEdge()
  const session = openEdgeSession(edge, toSessionPlan({ steps: [model], outputs: ['total'] }), readerOf(model))
  const run = async (y: number, signal?: AbortSignal) =>
    (await session.run({ y: floats(y) }, { timeoutMs: 30_000, signal })).outputs.total?.data[0]
  expect(await run(1)).toBe(1)
  const controller = new AbortController()
  const aborted = run(100, controller.signal)
  await Promise.resolve()
  controller.abort('enough')
  await expect(aborted).rejects.toBe('enough')
  expect(await run(2)).toBe(3)
})
