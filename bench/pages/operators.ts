import { findAnswerProblem } from '../../src/client/request/tensors/check-answer.ts'
import type { TensorData, TensorMap } from '../../src/contracts/tensor.ts'
import { createCrashMarks } from '../../src/edge/crash-marks.ts'
import { createEdge } from '../../src/edge/create-edge.ts'
import { createEdgeHost } from '../../src/edge/edge-host.ts'
import { flavorOf } from '../../src/edge/edge-hosts.ts'
import { blobSource } from '../../src/models/onnx/byte-source.ts'
import { draftManifest, toModelName } from '../../src/models/onnx/draft-manifest.ts'
import { readOnnx } from '../../src/models/onnx/read-onnx.ts'
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

const startWorker = () =>
  startApproved(() => new Worker(new URL('../../src/edge/worker/edge.worker.ts', import.meta.url), { type: 'module' }))

const toInputs = ({ inputs }: OperatorCase): TensorMap =>
  Object.fromEntries(Object.entries(inputs).map(([key, tensor]) => [key, toTensor(tensor)]))

const toResult = (name: string, detail: string | undefined): OperatorResult =>
  detail === undefined ? { name, outcome: 'pass' } : { name, outcome: 'wrong', detail }

const toFailure = (name: string, error: unknown): OperatorResult => {
  const { cause, message } = error as Error
  const detail = cause instanceof Error ? cause.message : message
  return { name, outcome: 'does not run', detail: detail.replaceAll(/\s+/g, ' ').slice(0, 160) }
}

const bench = {
  /** Runs each case as a person's file: its manifest is drafted from it, and an engine loads and warms it up. */
  async runAdded(backends: readonly ('wasm' | 'webgpu')[], cases: readonly OperatorCase[]): Promise<OperatorResult[]> {
    const edge = createEdge({
      startWorker,
      measures: {
        detectAdapter: async () => undefined,
        measureWebgpu: async () => ({ backend: 'webgpu', status: 'measured', macsPerSecond: 1e15, overheadMs: 0 }),
        measureWebnn: async () => ({ backend: 'webnn', status: 'absent' }),
      },
      backends,
      threads: 1,
      marks: createCrashMarks(undefined),
    })
    const results: OperatorResult[] = []
    for (const each of cases) {
      try {
        const graph = Uint8Array.from(atob(each.model), (character) => character.charCodeAt(0))
        const header = await readOnnx(blobSource(new Blob([graph])))
        const files = [{ path: 'model.onnx', bytes: graph.length, sha256: '0'.repeat(64) }]
        const facts = { name: toModelName(each.name), title: each.name, revision: '1', files, graph: 'model.onnx' }
        const manifest = draftManifest(facts, header)
        await edge.load(manifest, async () => ({ graph: graph.slice() }))
        const { outputs } = await edge.run(manifest, toInputs(each), { timeoutMs: 60_000 })
        const problem = findAnswerProblem(manifest, outputs)
        const expected = Object.fromEntries(
          Object.entries(each.outputs).filter(([name]) => manifest.outputs.some((output) => output.name === name)),
        )
        const misfit = problem && `${problem.output} is ${problem.got}, and its manifest says ${problem.expected}`
        results.push(toResult(each.name, misfit ?? whatIsWrong(expected, outputs)))
        await edge.unload(manifest)
      } catch (error) {
        results.push(toFailure(each.name, error))
      }
    }
    edge.close()
    return results
  },
  /** Runs each case through the edge worker, loaded and unloaded as the engine does it. */
  async run(backend: 'wasm' | 'webgpu', cases: readonly OperatorCase[]): Promise<OperatorResult[]> {
    const host = createEdgeHost({
      flavor: flavorOf(backend),
      threads: 1,
      startWorker,
    })
    const results: OperatorResult[] = []
    for (const each of cases) {
      const { name, model, outputs } = each
      try {
        const graph = Uint8Array.from(atob(model), (character) => character.charCodeAt(0))
        // Its time is said to be known: no warm-up, which would run it on zeros.
        await host.load({ key: name, files: { graph }, backend, inputs: [], tolerance: 0, knownMs: 0 })
        const answer = await host.run(name, toInputs(each), { timeoutMs: 60_000 })
        results.push(toResult(name, whatIsWrong(outputs, answer.outputs)))
      } catch (error) {
        results.push(toFailure(name, error))
      }
      await host.unload(name).catch(() => {})
    }
    host.terminate(new Error('done'))
    return results
  },
}
export type OperatorsPage = typeof bench
Object.assign(globalThis, { hitherOperators: bench })
