import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { TensorMap } from '../../contracts/tensor.ts'
import { buildInferWorker } from '../../testing/build-infer-worker.ts'
import { type HeldRuns, heldNumber, holdRuns } from '../../testing/hold-runs.ts'
import { loopOnnx, tinyOnnx } from '../../testing/tiny-onnx.ts'
import { createInferPool, type InferPool } from './infer-pool.ts'
import type { PoolModel } from './pool-task.ts'

const patiently = { timeout: 50_000, interval: 5 }
let worker: Awaited<ReturnType<typeof buildInferWorker>>
beforeAll(async () => {
  worker = await buildInferWorker()
})
afterAll(() => worker.remove())

let held: HeldRuns | undefined
const holding = async () => {
  held = await holdRuns(worker.url)
  return held
}

const pools: InferPool[] = []
afterEach(async () => {
  // A test that failed must not hold up the end.
  await held?.letGo()
  for (const pool of pools.splice(0)) await pool.close()
})

const twice = tinyOnnx({
  inputs: [{ name: 'x', type: 'float32', shape: [-1] }],
  outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
  nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
})
/** Rows that know of each other: their first dimension is free, and is no batch. */
const rowValues = (name: string) => [{ name, type: 'float32' as const, shape: [-1, 2] }]
const softmax = (axis: number) =>
  tinyOnnx({
    inputs: rowValues('x'),
    outputs: rowValues('y'),
    nodes: [{ op: 'Softmax', inputs: ['x'], outputs: ['y'], attributes: { axis: { int: axis } } }],
  })

const graphs: Record<string, Uint8Array> = {
  twice,
  held: twice,
  brief: loopOnnx(100_000n),
  broken: new Uint8Array([1, 2, 3]),
  external: tinyOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: [-1] }],
    outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
    nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
    initializers: [{ name: 'w', type: 'float32', dims: [1], data: new Float32Array(1), file: 'weights.bin' }],
  }),
  mixing: softmax(0),
  rowwise: softmax(1),
}

function model(key: string, options: Partial<PoolModel> = {}): PoolModel {
  const bytes = graphs[key] ?? new Uint8Array()
  const graph = new SharedArrayBuffer(bytes.length)
  new Uint8Array(graph).set(bytes)
  return { key, shared: { graph, externalData: new Map() }, ...options }
}

function open(options: Partial<Parameters<typeof createInferPool>[0]> = {}): InferPool {
  const pool = createInferPool({
    workers: 1,
    workerUrl: worker.url,
    runLimitMs: 30_000,
    maxQueue: 10,
    maxQueueBytes: 1000,
    maxWaitMs: 30_000,
    onFault: () => {},
    ...options,
  })
  pools.push(pool)
  return pool
}

const live = () => new AbortController().signal
const x = (...values: number[]): TensorMap => ({
  x: { type: 'float32', dims: [values.length], data: new Float32Array(values) },
})
const task = (key: string) => ({ model: model(key), inputs: x(1), outputs: ['y'] })
const heldTask = () => ({ model: model('held'), inputs: x(heldNumber), outputs: ['y'] })

describe('createInferPool', () => {
  it('runs a model, and again in the same session', async () => {
    const pool = open()
    const first = await pool.run({ model: model('twice'), inputs: x(1, 2), outputs: ['y'] }, live())
    expect(first.outputs).toEqual({ y: { type: 'float32', dims: [2], data: new Float32Array([2, 4]) } })
    expect(first.loadMs).toBeGreaterThan(0)
    const second = await pool.run(task('twice'), live())
    expect(second.loadMs).toBe(0)
  })

  it('takes inputs that lie side by side in one body', async () => {
    const body = new Float32Array([0, 1, 2])
    const inputs = { x: { type: 'float32', dims: [2], data: body.subarray(1) } } as const
    const { outputs } = await open().run({ model: model('twice'), inputs, outputs: ['y'] }, live())
    expect(outputs.y?.data).toEqual(new Float32Array([2, 4]))
    expect(body).toHaveLength(0)
  })

  it('answers many at once, in more threads than one', async () => {
    const pool = open({ workers: 2, maxQueue: 40 })
    const runs = Array.from({ length: 40 }, (_, index) =>
      pool.run({ model: model('twice'), inputs: x(index), outputs: ['y'] }, live()),
    )
    const values = (await Promise.all(runs)).map(({ outputs }) => (outputs.y?.data as Float32Array | undefined)?.[0])
    expect(values).toEqual(runs.map((_, index) => index * 2))
  })

  it('says when a graph can not be loaded or run, tells the cause only to the operator, and goes on', async () => {
    const faults: unknown[] = []
    const pool = open({ onFault: (error) => faults.push(error) })
    const failed = { code: 'cloud-failed', message: 'The model failed on these inputs.' }
    await expect(pool.run(task('broken'), live())).rejects.toMatchObject(failed)
    await expect(pool.run({ ...task('twice'), outputs: ['z'] }, live())).rejects.toMatchObject(failed)
    expect(faults).toHaveLength(2)
    await pool.run(task('twice'), live())
  })

  it('refuses what its queue has no room for', async () => {
    const pool = open({ maxQueue: 1 })
    await pool.started
    const runs = [pool.run(task('twice'), live()), pool.run(task('twice'), live())]
    await expect(pool.run(task('twice'), live())).rejects.toMatchObject({ code: 'cloud-overloaded' })
    await Promise.all(runs)
  })

  it('drops a run that was aborted while it waited', async () => {
    const pool = open()
    const running = pool.run(task('twice'), live())
    const controller = new AbortController()
    const waiting = expect(pool.run(task('twice'), controller.signal)).rejects.toBe('gone')
    controller.abort('gone')
    await waiting
    await running
  })

  it('gives up a run that takes too long, runs the next one in another thread, and ends the first when it can', async () => {
    const { url: workerUrl, letGo } = await holding()
    const pool = open({ runLimitMs: 300, workerUrl })
    await expect(pool.run(heldTask(), live())).rejects.toMatchObject({ code: 'cloud-timeout' })
    expect(pool.stuckThreads).toBe(1)
    // On a busy machine even a short run may take longer than the limit.
    const twiceRuns = () =>
      vi.waitFor(
        async () => expect((await pool.run(task('twice'), live())).outputs.y?.data).toEqual(new Float32Array([2])),
        patiently,
      )
    await twiceRuns()
    // A second one may hang beside it, and no third.
    await expect(pool.run(heldTask(), live())).rejects.toMatchObject({ code: 'cloud-timeout' })
    await expect(pool.run(heldTask(), live())).rejects.toMatchObject({ code: 'cloud-overloaded' })
    await twiceRuns()
    await letGo()
    // Ended in the middle of its run, the thread would take this process with it.
    await vi.waitFor(() => expect(pool.stuckThreads).toBe(0), patiently)
    await twiceRuns()
  }, 90_000)

  it('finishes what it has when it is closed, and takes nothing more', async () => {
    const pool = open()
    const run = pool.run(task('brief'), live())
    const waiting = pool.run(task('twice'), live())
    const closed = pool.close()
    await expect(pool.run(task('twice'), live())).rejects.toMatchObject({ code: 'cloud-overloaded' })
    await waiting
    await closed
    expect((await run).outputs.y?.dims).toEqual([1])
  })

  it('ends no thread in the midst of a run that nobody waits for any more', async () => {
    const { url: workerUrl, letGo } = await holding()
    const pool = open({ workerUrl })
    await pool.started
    const leaving = new AbortController()
    const run = expect(pool.run(heldTask(), leaving.signal)).rejects.toBe('gone')
    expect(pool.busy).toBe(1)
    leaving.abort('gone')
    await run
    expect(pool.busy).toBe(1)
    // Ended earlier, the thread would take this process with it.
    const closed = pool.close()
    await letGo()
    await closed
    expect(pool.busy).toBe(0)
  })

  it('says when its threads can not start, and refuses what waits for one', async () => {
    const faults: unknown[] = []
    const workerUrl = new URL('file:///nowhere/worker.js')
    const pool = open({ workerUrl, maxWaitMs: 300, onFault: (error) => faults.push(error) })
    await expect(pool.started).rejects.toMatchObject({ name: 'CapabilityError', code: 'worker-unavailable' })
    await expect(pool.run(task('twice'), live())).rejects.toMatchObject({ code: 'cloud-overloaded' })
    expect(faults).not.toEqual([])
  })

  it('joins requests that wait together once that pays, and gives each its own rows', async () => {
    const pool = open({ maxQueue: 200, maxQueueBytes: 1e6 })
    const rowwise = model('rowwise', { maxBatch: 8 })
    const ask = (count: number) =>
      Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const inputs: TensorMap = {
            x: { type: 'float32', dims: [1, 2], data: new Float32Array([0, Math.log(index + 1)]) },
          }
          const result = await pool.run({ model: rowwise, inputs, outputs: ['y'] }, live())
          expect(result.outputs.y?.dims).toEqual([1, 2])
          expect((result.outputs.y?.data as Float32Array | undefined)?.[0]).toBeCloseTo(1 / (index + 2), 5)
          return result.batch
        }),
      )
    // A run of so small a graph is nearly all overhead, which joining divides.
    await vi.waitFor(async () => expect(Math.max(...(await ask(40)))).toBe(8), { timeout: 50_000, interval: 1 })
    expect(pool.history('rowwise').policy.checked).toBe(true)
  })

  it('joins nothing of a model whose first dimension is no batch, and never answers with a joined run of it', async () => {
    const pool = open({ maxQueue: 200, maxQueueBytes: 1e6 })
    const mixing = model('mixing', { maxBatch: 8 })
    const ask = async () => {
      const inputs: TensorMap = { x: { type: 'float32', dims: [1, 2], data: new Float32Array([0, 5]) } }
      const { outputs } = await pool.run({ model: mixing, inputs, outputs: ['y'] }, live())
      expect(outputs.y?.data).toEqual(new Float32Array([1, 1]))
    }
    await vi.waitFor(
      async () => {
        await Promise.all(Array.from({ length: 20 }, ask))
        expect(pool.history('mixing').policy.checked).toBe(true)
      },
      { timeout: 50_000, interval: 1 },
    )
    expect(pool.history('mixing').policy.sizeFor(100)).toBe(1)
  })

  it('refuses at once what can not be ready by its deadline, and takes what can', async () => {
    const pool = open()
    const brief = (deadlineAtMs?: number) => pool.run({ ...task('brief'), deadlineAtMs }, live())
    await brief()
    const running = brief()
    await expect(brief(performance.now() + 1)).rejects.toMatchObject({ code: 'cloud-overloaded' })
    expect(() => pool.admit('brief', performance.now() + 1)).toThrow(
      expect.objectContaining({ code: 'cloud-overloaded' }),
    )
    await brief(performance.now() + 60_000)
    await running
  })

  it('drops what has waited past its deadline', async () => {
    // No thread ever starts, so the request waits until its deadline or for a minute.
    const pool = open({ workerUrl: new URL('file:///nowhere/worker.js'), maxWaitMs: 60_000 })
    const late = pool.run({ ...task('twice'), deadlineAtMs: performance.now() + 200 }, live())
    expect(pool.waiting()).toBe(1)
    await expect(late).rejects.toMatchObject({ code: 'cloud-overloaded' })
    expect(pool.waiting()).toBe(0)
  }, 30_000)

  it('lets go of a model, and loads it again when it is asked once more', async () => {
    const pool = open()
    await pool.run(task('twice'), live())
    pool.forget('twice')
    expect(pool.history('twice').service.count).toBe(0)
    expect((await pool.run(task('twice'), live())).loadMs).toBeGreaterThan(0)
  })

  it('runs a model whose weights lie outside of its graph', async () => {
    const data = new SharedArrayBuffer(4)
    new Float32Array(data)[0] = 41
    const { shared } = model('external')
    const external = { key: 'external', shared: { ...shared, externalData: new Map([['weights.bin', data]]) } }
    const { outputs } = await open().run({ model: external, inputs: x(1), outputs: ['y'] }, live())
    expect(outputs.y?.data).toEqual(new Float32Array([42]))
  })
})
