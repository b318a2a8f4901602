import { parentPort } from 'node:worker_threads'
import { Tensor } from 'onnxruntime-node'
import type { NumericData, TensorData } from '../../contracts/tensor.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { toErrorData } from '../../errors/error-data.ts'
import { unpackInputs } from '../../protocol/tensors/unpack-inputs.ts'
import { invariant } from '../../utils/invariant.ts'
import { memoizeAsync } from '../../utils/memoize-async.ts'
import { toRuntimeTensors } from '../../utils/runtime-tensors.ts'
import { tensorBuffers } from '../../utils/tensor-buffers.ts'
import type { SharedGraph } from '../model-folder/shared-graph.ts'
import { openSession } from '../threads/open-session.ts'
import { cellOf, type ThreadMessage, type ThreadOrder, type ThreadResult, type ThreadTask } from './thread-messages.ts'

const graphs = new Map<string, SharedGraph>()
const made = new Set<string>()

const sessionOf = memoizeAsync(async (key: string) => {
  const shared = graphs.get(key)
  invariant(shared !== undefined, `There is no graph ${key}.`)
  // Of one thread each: the pool already has one worker a core.
  return openSession(shared)
})

async function run({ key, inputs, wire, outputs }: ThreadTask): Promise<ThreadResult> {
  const startMs = performance.now()
  const session = await sessionOf(key)
  const loadedMs = performance.now()
  const loadMs = made.has(key) ? 0 : loadedMs - startMs
  made.add(key)
  const results = await session.run(toRuntimeTensors(Tensor, unpackInputs(wire, inputs)), [...outputs])
  const computeMs = performance.now() - loadedMs
  const tensors = Object.fromEntries(outputs.map((name) => [name, toTensorData(name, results[name])]))
  return { outputs: tensors, loadMs, computeMs }
}

/** Texts are copied one by one in the thread that answers: more would hold it up. */
const maxTexts = 100_000

function toTensorData(name: string, tensor: Tensor | undefined): TensorData {
  if (tensor === undefined) throw new CloudError('cloud-failed', `The graph gave no output ${name}.`)
  const { type, dims, data } = tensor
  if (type === 'int4' || type === 'uint4') {
    throw new CloudError('cloud-failed', `The output ${name} has 4-bit elements, which the protocol has no type for.`)
  }
  if (Array.isArray(data)) {
    if (data.length > maxTexts) {
      throw new CloudError(
        'cloud-failed',
        `The output ${name} has ${data.length} texts, and at most ${maxTexts} are sent.`,
      )
    }
    return { type, dims, data }
  }
  // onnxruntime gives a Float16Array where Node has it; in the contract it is raw bits.
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

// Orders are worked off one after the other: a session must not be released while it runs.
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
// An order that can't be read (its memory was transferred before, say) would shift all later answers, which are matched
// by order. So this thread ends, and every pending task of it is rejected.
parentPort?.on('messageerror', (cause) => {
  throw cause
})
say({ status: 'ready' })
