import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { TensorMap } from '../contracts/tensor.ts'
import { buildInferWorker } from '../testing/build-infer-worker.ts'
import { loopOnnx, tinyOnnx } from '../testing/tiny-onnx.ts'
import { createInferPool, type InferPool } from './infer-pool.ts'

let worker: Awaited<ReturnType<typeof buildInferWorker>>
beforeAll(async () => {
  worker = await buildInferWorker()
})
afterAll(() => worker.remove())

const pools: InferPool[] = []
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close()
})

const twice = tinyOnnx({
  inputs: [{ name: 'x', type: 'float32', shape: [-1] }],
  outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
  nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
})
/** Busy for some seconds: far longer than the limit below, and it ends, as a test's process must. */
const slow = loopOnnx(6_000_000n)

function open(options: Partial<Parameters<typeof createInferPool>[0]> = {}): InferPool {
  const shared = (bytes: Uint8Array) => {
    const memory = new SharedArrayBuffer(bytes.length)
    new Uint8Array(memory).set(bytes)
    return memory
  }
  const pool = createInferPool({
    graphs: new Map([
      ['twice', shared(twice)],
      ['slow', shared(slow)],
      ['broken', shared(new Uint8Array([1, 2, 3]))],
    ]),
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
const task = (key: string) => ({ key, inputs: x(1), outputs: ['y'] })

describe('createInferPool', () => {
  it('runs a model, and again in the same session', async () => {
    const pool = open()
    const first = await pool.run({ key: 'twice', inputs: x(1, 2), outputs: ['y'] }, live())
    expect(first.outputs).toEqual({ y: { type: 'float32', dims: [2], data: new Float32Array([2, 4]) } })
    expect(first.loadMs).toBeGreaterThan(0)
    const second = await pool.run(task('twice'), live())
    expect(second.loadMs).toBeLessThan(first.loadMs)
  })

  it('takes inputs that lie side by side in one body', async () => {
    const body = new Float32Array([0, 1, 2])
    const inputs = { x: { type: 'float32', dims: [2], data: body.subarray(1) } } as const
    const { outputs } = await open().run({ key: 'twice', inputs, outputs: ['y'] }, live())
    expect(outputs['y']?.data).toEqual(new Float32Array([2, 4]))
    expect(body).toHaveLength(0)
  })

  it('answers many at once, in more threads than one', async () => {
    const pool = open({ workers: 2, maxQueue: 40 })
    const runs = Array.from({ length: 40 }, (_, index) => pool.run({ key: 'twice', inputs: x(index), outputs: ['y'] }, live()))
    const values = (await Promise.all(runs)).map(({ outputs }) => (outputs['y']?.data as Float32Array)[0])
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

  it('gives up a run that takes too long, and runs the next one in another thread', async () => {
    // A thread's start counts as well, so the limit leaves time for it.
    const pool = open({ runLimitMs: 1500 })
    await expect(pool.run(task('slow'), live())).rejects.toMatchObject({ code: 'cloud-timeout' })
    expect(pool.stuckThreads).toBe(1)
    expect((await pool.run(task('twice'), live())).outputs['y']?.data).toEqual(new Float32Array([2]))
  })
})
