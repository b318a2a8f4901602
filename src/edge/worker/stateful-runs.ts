import type { TensorMap } from '../../contracts/tensor.ts'
import { zeroTensor } from '../../protocol/tensors/zero-tensor.ts'
import { toRuntimeTensors } from '../../utils/runtime-tensors.ts'
import type { WorkerPlan } from '../worker-types.ts'
import type { Runtime } from './runtime.ts'
import { fromRuntimeTensors, type RuntimeOutputs, type RuntimeTensor } from './tensors.ts'

/**
 * A state up to this size is copied out after each run, so that a session survives its worker. Larger ones (caches of
 * keys and values) stay where they are: copying them would cost more than the run.
 */
const keptBesideBytes = 65_536

/** A session in the worker: its models in order, and the values that stay here between runs. */
export interface StatefulRuns {
  run(inputs: TensorMap): Promise<RuntimeOutputs & { readonly state: TensorMap | undefined }>
  close(): void
}

const bytesOf = (tensor: RuntimeTensor): number =>
  tensor.type === 'string' ? Number.POSITIVE_INFINITY : tensor.size * 8

/** Frees a value that lies on the graphics processor; a value in memory is the collector's. */
function release(tensor: RuntimeTensor | undefined): void {
  if (tensor?.location === 'gpu-buffer' || tensor?.location === 'ml-tensor') tensor.dispose()
}

/**
 * Opens a session. A run that fails leaves the state as it was.
 *
 * @param runGraph runs the loaded model of a key, for the outputs of its manifest; rejects when it is not loaded
 */
export function openStatefulRuns(
  runtime: Runtime,
  plan: WorkerPlan,
  runGraph: (
    key: string,
    inputs: Readonly<Record<string, RuntimeTensor>>,
  ) => Promise<Readonly<Record<string, RuntimeTensor>>>,
  from: TensorMap = {},
): StatefulRuns {
  const zeros = Object.fromEntries(plan.state.map(({ to, type, shape }) => [to, zeroTensor(type, shape)]))
  let state: Record<string, RuntimeTensor> = toRuntimeTensors(runtime.Tensor, { ...zeros, ...from })

  const runSteps = async (given: Record<string, RuntimeTensor>) => {
    const values: Record<string, RuntimeTensor> = { ...given }
    const made: RuntimeTensor[] = []
    try {
      for (const { key, inputs, outputs } of plan.steps) {
        const feeds: Record<string, RuntimeTensor> = {}
        for (const [name, value] of Object.entries(inputs)) {
          const tensor = values[value]
          if (tensor === undefined) throw new TypeError(`the session was not given "${value}"`)
          feeds[name] = tensor
        }
        const results = await runGraph(key, feeds)
        for (const [name, value] of Object.entries(outputs)) {
          const tensor = results[name]
          if (tensor === undefined) continue
          values[value] = tensor
          made.push(tensor)
        }
      }
      return { values, made }
    } catch (error) {
      for (const tensor of made) release(tensor)
      throw error
    }
  }

  return {
    async run(inputs) {
      const { values, made } = await runSteps({ ...toRuntimeTensors(runtime.Tensor, inputs), ...state })
      const pick = (names: readonly string[]) =>
        Object.fromEntries(names.flatMap((name) => (values[name] ? [[name, values[name]]] : [])))
      const before = state
      state = Object.fromEntries(plan.state.map(({ from, to }) => [to, values[from] as RuntimeTensor]))
      const kept = new Set(Object.values(state))
      for (const tensor of Object.values(before)) if (!kept.has(tensor)) release(tensor)
      const answered = await fromRuntimeTensors(pick(plan.outputs), kept)
      for (const tensor of made) if (!kept.has(tensor)) release(tensor)
      const size = [...kept].reduce((sum, tensor) => sum + bytesOf(tensor), 0)
      const small = size <= keptBesideBytes
      const copied = small ? (await fromRuntimeTensors(state, kept)).outputs : undefined
      return { ...answered, state: copied }
    },
    close() {
      for (const tensor of Object.values(state)) release(tensor)
      state = {}
    },
  }
}
