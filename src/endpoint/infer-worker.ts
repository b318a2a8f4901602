import { parentPort, workerData } from 'node:worker_threads'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { NumericData, TensorData, TensorMap } from '../contracts/tensor.ts'
import { toErrorData } from '../errors/error-data.ts'
import { unpackInputs } from '../protocol/unpack-inputs.ts'
import { memoizeAsync } from '../utils/memoize-async.ts'
import type { InferMessage, InferTask, InferTaskResult, InferWorkerData } from './infer-task.ts'
import { tensorBuffers } from './tensor-buffers.ts'

const { graphs } = workerData as InferWorkerData

const sessionOf = memoizeAsync(async (key: string) => {
  const graph = graphs.get(key)
  if (graph === undefined) throw new Error(`no graph ${key}`)
  // The native side takes no shared memory; this copy is let go once the session has made its own.
  return InferenceSession.create(new Uint8Array(graph).slice(), {
    executionProviders: ['cpu'],
    // One thread each: the pool is what uses the processor's cores.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  })
})

async function run({ key, inputs, wire, outputs }: InferTask): Promise<InferTaskResult> {
  const startMs = performance.now()
  const session = await sessionOf(key)
  const loadedMs = performance.now()
  const results = await session.run(toFeeds(unpackInputs(wire, inputs)), [...outputs])
  const computeMs = performance.now() - loadedMs
  const tensors = Object.fromEntries(outputs.map((name) => [name, toTensorData(name, results[name])]))
  return { outputs: tensors, loadMs: loadedMs - startMs, computeMs }
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

const say = (message: InferMessage, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer)

parentPort?.on('message', (task: InferTask) => {
  run(task).then(
    (result) => say({ status: 'done', result }, tensorBuffers(result.outputs)),
    (error: unknown) => say({ status: 'failed', error: toErrorData(error) }),
  )
})
say({ status: 'ready' })
