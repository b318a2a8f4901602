import { afterEach, beforeEach, expect, test } from 'vitest'
import type { BackendMeasurement } from '../../contracts/measurements.ts'
import { describeBackend } from '../../testing/describe-backend.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { tinyOnnx } from '../../testing/tiny-onnx.ts'
import { createCrashMarks } from '../crash-marks.ts'
import { createEdge } from '../create-edge.ts'
import { openEdgeSession } from '../edge-session.ts'
import type { EdgeEngine, RuntimeProgress } from '../edge-types.ts'
import { toSessionPlan } from '../session-plan.ts'
import { createSharedEdge } from './shared-edge.ts'

const value = (name: string, shape: number[]) => ({ name, type: 'float32' as const, shape })
const tensor = (x: number) => ({ type: 'float32' as const, dims: [1], data: Float32Array.of(x) })
const graph = tinyOnnx({
  inputs: [
    { name: 'x', type: 'float32', shape: [1] },
    { name: 'sum', type: 'float32', shape: [1] },
  ],
  outputs: [{ name: 'total', type: 'float32', shape: [1] }],
  nodes: [{ op: 'Add', inputs: ['x', 'sum'], outputs: ['total'] }],
  opset: 17,
})
const manifest = await fakeManifest(
  { 'model.onnx': graph },
  {
    name: 'summing',
    inputs: [value('x', [1]), value('sum', [1])],
    outputs: [value('total', [1])],
    state: [{ input: 'sum', output: 'total', shape: [1] }],
  },
)

/** A tab of the test: an engine of its own name space, and what it made and was told. */
interface Tab {
  readonly edge: EdgeEngine
  readonly workers: Worker[]
  reads: number
  gone: number
  readonly progress: RuntimeProgress[]
}
let tabs: Tab[] = []
let names = 0

function openTab(name: string): Tab {
  const workers: Worker[] = []
  const absent = async (): Promise<BackendMeasurement> => ({ backend: 'webgpu', status: 'absent' })
  const engine = createSharedEdge({
    name,
    readFiles: async () => ({ graph: graph.slice() }),
    onGone() {
      tab.gone += 1
    },
    onRuntime: (heard) => tab.progress.push(heard),
    createOwn: (events) =>
      createEdge({
        ...events,
        startWorker() {
          const worker = new Worker(new URL('../worker/edge.worker.ts', import.meta.url), { type: 'module' })
          workers.push(worker)
          return worker
        },
        measures: { detectAdapter: async () => undefined, measureWebgpu: absent, measureWebnn: absent },
        backends: ['wasm'],
        threads: 1,
        marks: createCrashMarks(undefined),
      }),
  })
  const tab: Tab = { edge: engine, workers, reads: 0, gone: 0, progress: [] }
  tabs.push(tab)
  return tab
}
const load = (tab: Tab) =>
  tab.edge.load(manifest, async () => {
    tab.reads += 1
    return { graph: graph.slice() }
  })
const run = async (tab: Tab, x: number) =>
  (await tab.edge.run(manifest, { x: tensor(x), sum: tensor(1) }, { timeoutMs: 30_000 })).outputs.total?.data[0]
const nextName = () => {
  names += 1
  return `test-edge-${names}-${Math.random()}`
}

beforeEach(() => {
  tabs = []
})
afterEach(() => {
  for (const { edge } of tabs) edge.close()
})

describeBackend('an engine that leads, for itself', { open: () => openTab(nextName()).edge })

/** An engine whose runs another tab makes; the other one ends with it. */
async function openFollower(): Promise<EdgeEngine> {
  const name = nextName()
  const leader = openTab(name).edge
  await leader.measure()
  const follower = openTab(name).edge
  await follower.measure()
  return {
    ...follower,
    close() {
      follower.close()
      leader.close()
    },
  }
}
describeBackend('an engine that follows another tab', {
  open: openFollower,
  countsWaiting: false,
  loadsForRun: true,
  handsOver: false,
})

test('a model is in memory once: the second tab runs in the first one', async () => {
  const name = nextName()
  const [first, second] = [openTab(name), openTab(name)]
  await load(first)
  await load(second)
  expect(second.edge.loaded(manifest)).toMatchObject({ backend: 'wasm' })
  expect(await Promise.all([run(first, 1), run(second, 2), run(second, 3)])).toEqual([2, 3, 4])
  expect([first.workers.length, second.workers.length]).toEqual([1, 0])
  expect([first.reads, second.reads]).toEqual([1, 0])
  expect(second.edge.report().backends).toHaveLength(1)
  expect(second.edge.forecast(manifest)).toMatchObject({ backend: 'wasm' })
})

test('the runtime that a model needs is known before it is loaded, and every tab hears what opening it took', async () => {
  const name = nextName()
  const [first, second] = [openTab(name), openTab(name)]
  await Promise.all([first.edge.ready(manifest), second.edge.ready(manifest)])
  const needed = { flavor: 'wasm', isOpen: false, comesFirst: true }
  expect(first.edge.forecast(manifest)?.runtimes).toEqual([needed])
  const measuring = first.edge.measure()
  await expect.poll(() => first.edge.forecast(manifest)?.runtimes?.[0]?.openingForMs).toBeGreaterThanOrEqual(0)
  await measuring
  expect(first.edge.forecast(manifest)?.runtimes).toEqual([{ flavor: 'wasm', isOpen: true, comesFirst: false }])
  await expect.poll(() => [first.progress.length, second.progress.length]).toEqual([2, 2])
  const [fetched, opened] = second.progress
  expect(fetched).toMatchObject({ flavor: 'wasm' })
  expect(fetched?.tookMs).toBeUndefined()
  expect(opened).toMatchObject({ flavor: 'wasm' })
  expect(opened?.tookMs).toBeGreaterThan(0)
  // What the browser says of the runtime's own file, by which its server's rate is learned.
  const code = fetched?.times.find(({ name: address }) => new URL(address).pathname.endsWith('.wasm'))
  expect(code?.encodedBodySize).toBeGreaterThan(1_000_000)
  expect(code?.responseEnd).toBeGreaterThan(0)
  const loaded = await load(first)
  expect(loaded.loadMs).toBeGreaterThan(0)
  // Of a loaded model nothing is left to wait for.
  expect(first.edge.forecast(manifest)?.runtimes).toBeUndefined()
})

test('a model that only a follower has is read by the follower', async () => {
  const name = nextName()
  const [first, second] = [openTab(name), openTab(name)]
  await first.edge.measure()
  await load(second)
  expect([first.reads, second.reads]).toEqual([0, 1])
  expect(await run(second, 5)).toBe(6)
  expect(second.workers).toHaveLength(0)
})

test('when the leader is closed another tab takes over, and no run is lost', async () => {
  const name = nextName()
  const [first, second, third] = [openTab(name), openTab(name), openTab(name)]
  await load(first)
  await Promise.all([load(second), load(third)])
  const runs = Array.from({ length: 40 }, (_, index) => run(index % 2 ? second : third, index))
  first.edge.close()
  expect(await Promise.all(runs)).toEqual(runs.map((_, index) => index + 1))
  expect(await run(second, 100)).toBe(101)
  expect(await run(third, 100)).toBe(101)
  expect(second.workers.length + third.workers.length).toBe(1)
  expect(second.gone).toBeGreaterThan(0)
})

test("a follower's session goes on when the leader has gone", async () => {
  const name = nextName()
  const [first, second] = [openTab(name), openTab(name)]
  await load(first)
  const plan = toSessionPlan({ steps: [{ manifest }], outputs: ['total'] })
  const session = openEdgeSession(second.edge, plan, async () => ({ graph: graph.slice() }))
  const add = async (x: number) => (await session.run({ x: tensor(x) }, { timeoutMs: 30_000 })).outputs.total?.data[0]
  expect([await add(1), await add(2)]).toEqual([1, 3])
  first.edge.close()
  expect(await add(3)).toBe(6)
})

test('a leader whose tab is frozen loses the lead, and what it had under way is still answered', async () => {
  const name = nextName()
  const second = openTab(name)
  // A leader that holds the lock and says nothing, as a frozen tab does.
  let deposed = false
  await new Promise<void>((leads) => {
    navigator.locks
      .request(name, () => {
        leads()
        return new Promise(() => {})
      })
      .catch(() => {
        deposed = true
      })
  })
  await load(second)
  expect(await run(second, 1)).toBe(2)
  expect(deposed).toBe(true)
})

test('an abort in a follower answers at once with its reason', async () => {
  const name = nextName()
  const [first, second] = [openTab(name), openTab(name)]
  await load(first)
  await load(second)
  const controller = new AbortController()
  const inputs = { x: tensor(1), sum: tensor(1) }
  const running = second.edge.run(manifest, inputs, { timeoutMs: 30_000, signal: controller.signal })
  controller.abort('enough')
  await expect(running).rejects.toBe('enough')
  expect(await run(second, 1)).toBe(2)
})

test("the leader's errors reach the follower with their codes", async () => {
  const name = nextName()
  const [first, second] = [openTab(name), openTab(name)]
  await first.edge.measure()
  const broken = { ...manifest, name: 'broken' }
  const loading = second.edge.load(broken, async () => ({ graph: new Uint8Array([1, 2, 3]) }))
  await expect(loading).rejects.toMatchObject({ name: 'ModelError', code: 'model-load-failed' })
})

test('closing while no leader is found ends what waits', async () => {
  const tab = openTab(nextName())
  const loading = load(tab)
  tab.edge.close()
  await expect(loading).rejects.toThrow('closed')
})
