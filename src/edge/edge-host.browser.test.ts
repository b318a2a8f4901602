import { expect, test } from 'vitest'
import { createManualTimers } from '../testing/manual-timers.ts'
import { loopOnnx, tinyOnnx } from '../testing/tiny-onnx.ts'
import { createEdgeHost } from './edge-host.ts'
import type { RuntimeProgress } from './edge-types.ts'

const startWorker = () => new Worker(new URL('./worker/edge.worker.ts', import.meta.url), { type: 'module' })
const spec = [{ name: 'x', type: 'float32', shape: [-1] }] as const
const doubling = () =>
  tinyOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: ['n'] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['n'] }],
    nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
    opset: 17,
  })
const input = (values: number[]) => ({
  x: { type: 'float32' as const, dims: [values.length], data: Float32Array.from(values) },
})
const literal = (name: string, data: number[]) => ({ name, type: 'float32' as const, shape: [data.length], data })
const loading = (key: string, answer: number[] = [2, 4]) => ({
  key,
  files: { graph: doubling() },
  backend: 'wasm' as const,
  inputs: spec,
  canary: { inputs: [literal('x', [1, 2])], outputs: [literal('y', answer)] },
  tolerance: 1e-6,
})
const openHost = (onDeath?: (reason: Error) => void) =>
  createEdgeHost({ flavor: 'wasm', threads: 1, startWorker, ...(onDeath ? { onDeath } : {}) })
const closed = new Error('closed')

test('23: a hundred parallel runs on two models are all answered, each with its own', async () => {
  const host = openHost()
  await Promise.all([host.load(loading('a')), host.load(loading('b'))])
  const runs = Array.from({ length: 100 }, (_, index) =>
    host.run(index % 2 ? 'a' : 'b', input([index]), { timeoutMs: 30_000 }),
  )
  const answers = await Promise.all(runs)
  expect(answers.map(({ outputs }) => outputs.y?.data[0])).toEqual(answers.map((_, index) => index * 2))
  expect(host.waiting).toBe(0)
  host.terminate(closed)
})

test('an aborted run answers at once with its reason, and the next one works', async () => {
  const host = openHost()
  await host.load(loading('a'))
  const controller = new AbortController()
  const aborted = host.run('a', input([1]), { timeoutMs: 30_000, signal: controller.signal })
  controller.abort('enough')
  await expect(aborted).rejects.toBe('enough')
  const { outputs } = await host.run('a', input([4]), { timeoutMs: 30_000 })
  expect(outputs.y?.data[0]).toBe(8)
  host.terminate(closed)
})

test('a run that was aborted while it waited never starts', async () => {
  const worker = new Worker(new URL('../testing/faulty-edge.worker.ts', import.meta.url), { type: 'module' })
  const host = createEdgeHost({ flavor: 'wasm', threads: 1, startWorker: () => worker })
  const graph = tinyOnnx({
    inputs: [
      { name: 'x', type: 'float32', shape: [1] },
      { name: 'sum', type: 'float32', shape: [1] },
    ],
    outputs: [{ name: 'total', type: 'float32', shape: [1] }],
    nodes: [{ op: 'Add', inputs: ['x', 'sum'], outputs: ['total'] }],
    opset: 17,
  })
  await host.load({ ...loading('summing'), files: { graph }, canary: undefined })
  await host.startSession('s', {
    steps: [{ key: 'summing', inputs: { x: 'x', sum: 'sum' }, outputs: { total: 'total' } }],
    state: [{ from: 'total', to: 'sum', type: 'float32', shape: [1] }],
    outputs: ['total'],
  })
  const isHeld = new Promise<void>((resolve) => {
    worker.addEventListener('message', ({ data }) => data === 'faulty' && resolve())
  })
  worker.postMessage({ fault: 'hold' })
  await isHeld
  // The state shows which runs were made.
  const add = (x: number, signal?: AbortSignal) => host.runSession('s', input([x]), { timeoutMs: 30_000, signal })
  const controller = new AbortController()
  const [first, aborted, last] = [add(1), add(2, controller.signal), add(4)]
  controller.abort('enough')
  worker.postMessage({ fault: 'release' })
  await expect(aborted).rejects.toBe('enough')
  await first
  expect((await last).outputs.total?.data[0]).toBe(5)
  expect(host.waiting).toBe(0)
  host.terminate(closed)
})

test('a wrong canary refuses the model', async () => {
  const host = openHost()
  await expect(host.load(loading('a', [2, 5]))).rejects.toMatchObject({
    name: 'ModelError',
    code: 'model-wrong-answer',
  })
  expect(host.has('a')).toBe(false)
  host.terminate(closed)
})

test('bytes that are no model are a typed error, and the worker lives on', async () => {
  const host = openHost()
  const bad = { ...loading('bad'), files: { graph: new Uint8Array([1, 2, 3]) } }
  await expect(host.load(bad)).rejects.toMatchObject({ name: 'ModelError', code: 'model-load-failed' })
  await host.load(loading('a'))
  expect(host.has('a')).toBe(true)
  host.terminate(closed)
})

test('ending the worker rejects what is pending; the next load gets a new one', async () => {
  const deaths: Error[] = []
  const host = openHost((reason) => deaths.push(reason))
  await host.load(loading('a'))
  const pending = host.run('a', input([1]), { timeoutMs: 30_000 })
  host.terminate(closed)
  await expect(pending).rejects.toBe(closed)
  expect(host.has('a')).toBe(false)
  expect(deaths).toEqual([closed])
  await host.load(loading('a'))
  expect((await host.run('a', input([3]), { timeoutMs: 30_000 })).outputs.y?.data[0]).toBe(6)
  host.terminate(closed)
})

test('25: an endless model ends with its worker, all its callers are told, and the next run works', async () => {
  const timers = createManualTimers()
  let nowMs = 0
  const host = createEdgeHost({ flavor: 'wasm', threads: 1, startWorker, timers, nowMs: () => nowMs })
  await host.open()
  const endless = host.load({ ...loading('endless'), files: { graph: loopOnnx(2n ** 62n) }, canary: undefined })
  const behind = host.load(loading('behind'))
  await expect.poll(() => timers.size).toBe(1)
  nowMs = 700
  expect([host.waiting, host.busyForMs]).toEqual([2, 700])
  for (; timers.size > 0; nowMs += 1_000) timers.fireAll()
  await expect(endless).rejects.toMatchObject({ name: 'EdgeError', code: 'edge-timeout' })
  await expect(behind).rejects.toMatchObject({ name: 'EdgeError', code: 'edge-timeout' })
  expect([host.waiting, host.busyForMs]).toEqual([0, 0])
  await host.load(loading('a'))
  expect((await host.run('a', input([5]), { timeoutMs: 30_000 })).outputs.y?.data[0]).toBe(10)
  host.terminate(closed)
})

test('the page hears when a runtime’s file is here, and again when it is compiled', async () => {
  const worker = new Worker(new URL('../testing/faulty-edge.worker.ts', import.meta.url), { type: 'module' })
  worker.postMessage({ fault: 'hold-runtime' })
  const heard: RuntimeProgress[] = []
  const host = createEdgeHost({
    flavor: 'wasm',
    threads: 1,
    startWorker: () => worker,
    onRuntime: (progress) => heard.push(progress),
  })
  const opening = host.open()
  await expect.poll(() => heard.length, { timeout: 30_000 }).toBe(1)
  expect(heard[0]?.tookMs).toBeUndefined()
  expect(heard[0]?.times.some(({ name }) => new URL(name).pathname.endsWith('.wasm'))).toBe(true)
  expect(host.runtime).toMatchObject({
    isOpen: false,
    openingForMs: expect.any(Number),
    fetchedForMs: expect.any(Number),
  })
  worker.postMessage({ fault: 'release' })
  await opening
  expect(heard).toHaveLength(2)
  expect(heard[1]?.tookMs).toBeGreaterThan(0)
  expect(host.runtime).toEqual({ flavor: 'wasm', isOpen: true })
  host.terminate(closed)
})

test('a measurement gives a speed', async () => {
  const host = openHost()
  const measured = await host.measure(40)
  expect(measured).toMatchObject({ backend: 'wasm', status: 'measured', threads: 1 })
  expect(measured.macsPerSecond).toBeGreaterThan(0)
  host.terminate(closed)
})
