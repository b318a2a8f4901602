import type { TensorData, TensorMap } from '../../src/contracts/tensor.ts'
import { createEdgeHost } from '../../src/edge/edge-host.ts'
import { flavorOf } from '../../src/edge/edge-hosts.ts'
import { fromFloat16Bits } from '../../src/protocol/tensors/float16.ts'
import { emptyData } from '../../src/protocol/tensors/zero-tensor.ts'
import { startApproved } from '../../src/utils/trusted-scripts.ts'
import type { FileTensor } from '../support/onnx-files.ts'

/** One of ONNX's operator tests: a graph, what it is given, and what it has to answer. */
export interface OperatorCase {
  readonly name: string
  /** In base64. */
  readonly model: string
  readonly inputs: Readonly<Record<string, FileTensor>>
  readonly outputs: Readonly<Record<string, FileTensor>>
}
export interface OperatorResult {
  readonly name: string
  readonly outcome: 'pass' | 'wrong' | 'does not run'
  readonly detail?: string
}

const toTensor = ({ type, dims, data }: FileTensor): TensorData => {
  if (type === 'string') return { type, dims, data: data.map(String) }
  const target = emptyData(type, data.length)
  data.forEach((value, index) => {
    if (target instanceof BigInt64Array || target instanceof BigUint64Array) target[index] = BigInt(value)
    else if (!Array.isArray(target)) target[index] = Number(value)
  })
  return { type, dims, data: target }
}

/** As ONNX's own runner compares, with the tolerances of single precision. */
function isClose(type: FileTensor['type'], expected: number | string, got: unknown): boolean {
  if (type === 'string') return expected === got
  const [a, b] =
    type === 'float16'
      ? [fromFloat16Bits(Number(expected)), fromFloat16Bits(Number(got))]
      : [Number(expected), Number(got)]
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true
  const relative = type === 'float16' ? 1e-2 : 1e-3
  return Math.abs(a - b) <= 1e-4 + relative * Math.abs(a)
}

function whatIsWrong(expected: OperatorCase['outputs'], got: TensorMap): string | undefined {
  for (const [name, { type, dims, data }] of Object.entries(expected)) {
    const answer = got[name]
    if (answer === undefined) return `no ${name}`
    if (String(answer.dims) !== String(dims)) return `${name} is [${answer.dims}] and not [${dims}]`
    const at = data.findIndex((value, index) => !isClose(type, value, answer.data[index]))
    if (at >= 0) return `${name}[${at}] is ${answer.data[at]} and not ${data[at]}`
  }
  return undefined
}

const bench = {
  /** Runs each case through the edge worker, loaded and unloaded as the engine does it. */
  async run(backend: 'wasm' | 'webgpu', cases: readonly OperatorCase[]): Promise<OperatorResult[]> {
    const host = createEdgeHost({
      flavor: flavorOf(backend),
      threads: 1,
      startWorker: () =>
        startApproved(
          () => new Worker(new URL('../../src/edge/worker/edge.worker.ts', import.meta.url), { type: 'module' }),
        ),
    })
    const results: OperatorResult[] = []
    for (const { name, model, inputs, outputs } of cases) {
      try {
        const graph = Uint8Array.from(atob(model), (character) => character.charCodeAt(0))
        // Its time is said to be known: no warm-up, which would run it on zeros.
        await host.load({ key: name, files: { graph }, backend, inputs: [], tolerance: 0, knownMs: 0 })
        const given = Object.fromEntries(Object.entries(inputs).map(([key, tensor]) => [key, toTensor(tensor)]))
        const answer = await host.run(name, given, { timeoutMs: 60_000 })
        const detail = whatIsWrong(outputs, answer.outputs)
        results.push(detail === undefined ? { name, outcome: 'pass' } : { name, outcome: 'wrong', detail })
      } catch (error) {
        const { cause, message } = error as Error
        const detail = cause instanceof Error ? cause.message : message
        results.push({ name, outcome: 'does not run', detail: detail.replaceAll(/\s+/g, ' ').slice(0, 160) })
      }
      await host.unload(name).catch(() => {})
    }
    host.terminate(new Error('done'))
    return results
  },
}
export type OperatorsPage = typeof bench
Object.assign(globalThis, { hitherOperators: bench })
