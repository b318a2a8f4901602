import { parentPort } from 'node:worker_threads'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { NumericData, TensorData, TensorMap } from '../../contracts/tensor.ts'
import { toErrorData } from '../../errors/error-data.ts'
import { unpackInputs } from '../../protocol/unpack-inputs.ts'
import { memoizeAsync } from '../../utils/memoize-async.ts'
import type { SharedGraph } from '../model-folder/shared-graph.ts'
import { tensorBuffers } from './tensor-buffers.ts'
import { cellOf, type ThreadMessage, type ThreadOrder, type ThreadResult, type ThreadTask } from './thread-messages.ts'

const graphs = new Map<string, SharedGraph>()
const made = new Set<string>()

/** The native side takes no shared memory; this copy is let go once the session has made its own. */
const ownCopy = (shared: SharedArrayBuffer) => new Uint8Array(shared).slice()

const sessionOf = memoizeAsync(async (key: string) => {
  const shared = graphs.get(key)
  if (shared === undefined) throw new Error(`no graph ${key}`)
  const externalData = [...shared.externalData].map(([path, data]) => ({ path, data: ownCopy(data) }))
  return InferenceSession.create(ownCopy(shared.graph), {
    executionProviders: ['cpu'],
    // One thread each: the pool is what uses the processor's cores.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    // Its own messages quote inputs; what failed comes back as an error.
    logSeverityLevel: 4,
    ...(externalData.length === 0 ? {} : { externalData }),
  })
})

async function run({ key, inputs, wire, outputs }: ThreadTask): Promise<ThreadResult> {
  const startMs = performance.now()
  const session = await sessionOf(key)
  const loadedMs = performance.now()
  const loadMs = made.has(key) ? 0 : loadedMs - startMs
  made.add(key)
  const results = await session.run(toFeeds(unpackInputs(wire, inputs)), [...outputs])
  const computeMs = performance.now() - loadedMs
  const tensors = Object.fromEntries(outputs.map((name) => [name, toTensorData(name, results[name])]))
  return { outputs: tensors, loadMs, computeMs }
}

const toFeeds = (inputs: TensorMap): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { type, dims, data }]) => [name, new Tensor(type, data as never, dims)]),
  )

function toTensorData(name: string, tensor: Tensor | undefined): TensorData {
  if (tensor === undefined) throw new Error(`the graph gave no output ${name}`)
  const { type, dims, data } = tensor
  if (type === 'int4' || type === 'uint4') throw new Error(`the output ${name} has 4-bit elements`)
  if (Array.isArray(data)) return { type, dims, data }
  // A Node that has Float16Array may be given one; on the wire and in the contract it is raw bits.
  const numbers = data as NumericData
  const bits = type === 'float16' ? new Uint16Array(numbers.buffer, numbers.byteOffset, numbers.length) : numbers
  return { type, dims, data: bits }
}

const say = (message: ThreadMessage, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer)

async function answer(task: ThreadTask): Promise<void> {
  try {
    const result = await run(task)
    say({ status: 'done', result }, tensorBuffers(result.outputs))
  } catch (error) {
    say({ status: 'failed', error: toErrorData(error) })
  }
}

async function forget(key: string): Promise<void> {
  const known = graphs.delete(key)
  const session = known ? await sessionOf(key).catch(() => undefined) : undefined
  sessionOf.forget(key)
  made.delete(key)
  await session?.release()
}

// One order after the other: a session must not be released while it runs.
let last: Promise<void> = Promise.resolve()
parentPort?.on('message', (order: ThreadOrder) => {
  last = last.then(async () => {
    if (order.kind === 'run') await answer(order.task)
    else if (order.kind === 'run-next') {
      const { claim, number, task } = order
      if (Atomics.compareExchange(claim, cellOf(number), number, 0) === number) await answer(task)
      else say({ status: 'left-out' })
    } else if (order.kind === 'graph') graphs.set(order.key, order.shared)
    else await forget(order.key).catch(() => {})
  })
})
// An order that can't be read, of memory that was given away before, say. Answers are told apart by their order alone:
// this thread ends, and whoever waits for one of it is told so.
parentPort?.on('messageerror', (cause) => {
  throw cause
})
say({ status: 'ready' })
