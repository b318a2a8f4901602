import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { TensorMap } from '../../contracts/tensor.ts'
import { buildInferWorker } from '../../testing/build-infer-worker.ts'
import { heldNumber, holdRuns } from '../../testing/hold-runs.ts'
import { loopOnnx } from '../../testing/tiny-onnx.ts'
import { createInferPool, type InferPool } from './infer-pool.ts'
import { openInferThread } from './infer-thread.ts'

let worker: Awaited<ReturnType<typeof buildInferWorker>>
beforeAll(async () => {
  worker = await buildInferWorker()
})
afterAll(() => worker.remove())

const bytes = loopOnnx()
const graph = new SharedArrayBuffer(bytes.length)
new Uint8Array(graph).set(bytes)
const shared = { graph, externalData: new Map() }

/** Inputs of a run that takes so many rounds of a loop; some millions are a second. Without rounds, `x` comes back. */
const inputsOf = (rounds: number, x = 0): TensorMap => ({
  x: { type: 'float32', dims: [1], data: new Float32Array([x]) },
  rounds: { type: 'int64', dims: [], data: new BigInt64Array([BigInt(rounds)]) },
})
const long = 100_000
const outputs = ['y']

describe('a thread that is sent its next run', () => {
  const open = () => {
    const thread = openInferThread(worker.url)
    const task = (rounds: number, x = 0) => ({ key: 'loop', inputs: inputsOf(rounds, x), outputs })
    const value = async (run: Promise<{ readonly outputs: TensorMap }>) =>
      ((await run).outputs.y?.data as Float32Array | undefined)?.[0]
    return { thread, task, value }
  }

  it('begins it by itself', async () => {
    const { thread, task, value } = open()
    const next = task(0, 7)
    const first = thread.run(task(long), shared)
    expect(await value(thread.sendAhead(next, shared))).toBe(7)
    expect(thread.takeBack()).toBe(false)
    expect(await value(thread.run(next, shared))).toBe(7)
    await first
    await thread.end()
  })

  it('ends on a task whose inputs were given away before, and leaves nobody without an answer', async () => {
    const { thread, task } = open()
    const once = task(0, 7)
    await thread.run(once, shared)
    const lost = expect(thread.run(once, shared)).rejects.toThrow('The thread failed.')
    await Promise.all([lost, thread.gone])
    await expect(thread.run(task(0, 8), shared)).rejects.toThrow('gone')
  })

  it('leaves out what was taken back, and runs what was sent in its place', async () => {
    const { thread, task, value } = open()
    const [left, next] = [task(0, 7), task(0, 8)]
    const first = thread.run(task(long), shared)
    const leftOut = expect(thread.sendAhead(left, shared)).rejects.toThrow('taken back')
    expect(thread.takeBack()).toBe(true)
    expect(thread.takeBack()).toBe(false)
    thread.sendAhead(next, shared)
    await first
    await leftOut
    expect(await value(thread.run(next, shared))).toBe(8)
    await thread.end()
  })

  it('may be sent one more before it has begun the last one', async () => {
    const { thread, task, value } = open()
    const tasks = Array.from({ length: 30 }, (_, index) => task(0, index))
    const values = [thread.run(task(long), shared).then(() => -1)]
    for (const each of tasks) {
      thread.sendAhead(each, shared)
      await values.at(-1)
      values.push(value(thread.run(each, shared)).then((x) => x ?? Number.NaN))
    }
    expect(await Promise.all(values)).toEqual([-1, ...tasks.keys()])
    await thread.end()
  })

  it('is ended only after it', async () => {
    const { thread, task, value } = open()
    const next = task(long, 0)
    thread.run(task(long), shared).catch(() => {})
    thread.sendAhead(next, shared)
    const last = thread.run(next, shared)
    await thread.end()
    expect(await value(last)).toBe(0)
  })
})

describe('createInferPool, whose threads are sent their next run', () => {
  const pools: InferPool[] = []
  afterEach(async () => {
    for (const pool of pools.splice(0)) await pool.close()
  })
  const model = { key: 'loop', shared }
  const live = new AbortController().signal
  const overloaded = { code: 'cloud-overloaded' }

  /** A pool of one thread that knows its model to be quick. */
  const open = async (changes: Partial<Parameters<typeof createInferPool>[0]> = {}) => {
    const pool = createInferPool({
      workers: 1,
      workerUrl: worker.url,
      runLimitMs: 30_000,
      maxQueue: 10,
      maxQueueBytes: 1000,
      maxWaitMs: 30_000,
      onFault: () => {},
      ...changes,
    })
    pools.push(pool)
    const ask = (rounds: number, signal = live) => pool.run({ model, inputs: inputsOf(rounds), outputs }, signal)
    await pool.started
    for (let count = 0; count < 64; count += 1) await ask(0)
    return { pool, ask }
  }

  it('does not run what was cancelled before it began', async () => {
    const { pool, ask } = await open()
    const before = pool.history('loop').run.count
    const leaving = new AbortController()
    const running = ask(long)
    const gone = expect(ask(30_000_000, leaving.signal)).rejects.toBe('gone')
    // Behind a run of ten seconds it would be refused.
    const next = ask(0)
    expect(pool.waiting()).toBe(2)
    leaving.abort('gone')
    await gone
    expect(pool.waiting()).toBe(1)
    await Promise.all([running, next])
    expect(pool.history('loop').run.count).toBe(before + 2)
  })

  it('refuses what would follow a run that was given up, and answers the others', async () => {
    const { url: workerUrl, letGo } = await holdRuns(worker.url)
    // Less than what a run that was sent ahead waits for.
    const { pool, ask } = await open({ workerUrl, runLimitMs: 900 })
    const hung = expect(ask(heldNumber)).rejects.toMatchObject({ code: 'cloud-timeout' })
    const follower = expect(ask(0)).rejects.toMatchObject(overloaded)
    const other = ask(0)
    await Promise.all([hung, follower])
    expect((await other).outputs.y?.dims).toEqual([1])
    await letGo()
    await vi.waitFor(() => expect(pool.stuckThreads).toBe(0), { timeout: 50_000, interval: 5 })
  }, 60_000)
})
