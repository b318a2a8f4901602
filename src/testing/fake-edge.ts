import type { Manifest } from '../contracts/manifest.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { checkRequirements } from '../device/check-requirements.ts'
import { noDevice } from '../edge/device-report.ts'
import type { EdgeEngine, EdgeEvents, HeldModels, LoadedModel, ReadFiles } from '../edge/edge-types.ts'
import { checkCanary } from '../edge/worker/canary.ts'
import type { WorkerPlan } from '../edge/worker-types.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { EdgeError } from '../errors/edge-error.ts'
import { ModelError } from '../errors/model-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import { modelMemory } from '../models/manifest/model-memory.ts'
import { literalTensors } from '../protocol/tensors/literal-tensors.ts'
import { zeroTensor } from '../protocol/tensors/zero-tensor.ts'
import { abortable } from '../utils/abortable.ts'
import { createSerialQueue } from '../utils/serial-queue.ts'

type Compute = (inputs: TensorMap) => TensorMap | Promise<TensorMap>

export interface FakeEdgeOptions extends EdgeEvents {
  /** What a model computes; undefined: its bytes are no model. */
  readonly computeOf: (manifest: Manifest) => Compute | undefined
  /** What a run takes, as its warm-up says; in milliseconds. Default 1. */
  readonly runMs?: number
  /** Default 4 GiB. */
  readonly memoryBytes?: number
}

/** An engine without workers: models are functions, and calls are made one after the other as in a worker. */
export function createFakeEdge(options: FakeEdgeOptions): EdgeEngine {
  const { computeOf, runMs = 1, memoryBytes = 2 ** 32 } = options
  const queue = createSerialQueue()
  const closing = new AbortController()
  const models = new Map<string, { readonly loaded: LoadedModel; readonly compute: Compute; waiting: number }>()
  const loading = new Map<string, Promise<LoadedModel>>()
  const sessions = new Map<string, { readonly plan: WorkerPlan; state: TensorMap }>()

  const closed = new Promise<never>((_, reject) => {
    closing.signal.addEventListener('abort', () => reject(closing.signal.reason))
  })
  closed.catch(() => {}) // handled by the calls that race it
  const untilClosed = <T>(promise: Promise<T>) => Promise.race([promise, closed])
  const modelOf = (key: string) => {
    closing.signal.throwIfAborted()
    const model = models.get(key)
    if (model === undefined) throw new ModelError('model-load-failed', 'The model is not loaded on this device.')
    return model
  }
  const check = (manifest: Manifest) => {
    const bytes = modelMemory(manifest)
    const found = checkRequirements(['wasm'], manifest.requires ?? {}, bytes, { adapter: undefined, memoryBytes })
    if ('lack' in found) throw new CapabilityError('model-unsupported', found.lack)
  }
  const loadNow = async (manifest: Manifest, readFiles: ReadFiles): Promise<LoadedModel> => {
    closing.signal.throwIfAborted()
    check(manifest)
    await untilClosed(readFiles())
    const compute = computeOf(manifest)
    if (compute === undefined) throw new ModelError('model-load-failed', 'The model could not be loaded.')
    const { canary, tolerance } = manifest
    if (canary) checkCanary(canary.outputs, await compute(literalTensors(canary.inputs)), tolerance.absolute)
    const loaded: LoadedModel = { backend: 'wasm', threads: 1, createMs: 0, warmupMs: runMs }
    models.set(modelKey(manifest), { loaded, compute, waiting: 0 })
    return loaded
  }
  const load: EdgeEngine['load'] = async (manifest, readFiles) => {
    const key = modelKey(manifest)
    const known = models.get(key)?.loaded ?? loading.get(key)
    if (known !== undefined && !closing.signal.aborted) return known
    const begun = loadNow(manifest, readFiles).finally(() => loading.delete(key))
    loading.set(key, begun)
    return begun
  }
  /** One call in its turn; dropped when it was aborted before. As from a worker, no answer comes within the same task. */
  const inTurn = async <T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> => {
    signal?.throwIfAborted()
    const answer = queue.add(async () => {
      await new Promise((resolve) => setTimeout(resolve))
      closing.signal.throwIfAborted()
      signal?.throwIfAborted()
      return work()
    })
    return untilClosed(abortable(answer, signal))
  }
  const take = (inputs: TensorMap, handsOver: boolean | undefined): TensorMap => {
    if (!handsOver) return inputs
    const buffers = Object.values(inputs).flatMap(({ data }) => (ArrayBuffer.isView(data) ? [data.buffer] : []))
    return structuredClone(inputs, { transfer: buffers as ArrayBuffer[] })
  }
  const toAnswer = (outputs: TensorMap) => ({ outputs, queueMs: 0, computeMs: runMs })

  const host: HeldModels['host'] = {
    has: (key) => models.has(key),
    startSession: (sessionId, plan, state) =>
      inTurn(undefined, async () => {
        const zeros = plan.state.map(({ to, type, shape }) => [to, zeroTensor(type, shape)])
        sessions.set(sessionId, { plan, state: state ?? Object.fromEntries(zeros) })
      }),
    runSession: (sessionId, inputs, { signal, transfer }) => {
      const given = take(inputs, transfer)
      return inTurn(signal, async () => {
        const session = sessions.get(sessionId)
        if (session === undefined) throw new EdgeError('edge-run-failed', 'The session is not open.')
        const values: Record<string, TensorMap[string]> = { ...session.state, ...given }
        for (const { key, inputs, outputs } of session.plan.steps) {
          const named = Object.entries(inputs).flatMap(([name, value]) =>
            values[value] ? [[name, values[value]]] : [],
          )
          const answers = await modelOf(key).compute(Object.fromEntries(named))
          for (const [name, tensor] of Object.entries(answers)) values[outputs[name] ?? name] = tensor
        }
        const pick = (names: readonly [string, string][]) =>
          Object.fromEntries(names.flatMap(([as, from]) => (values[from] ? [[as, values[from]]] : []))) as TensorMap
        session.state = pick(session.plan.state.map(({ from, to }) => [to, from]))
        return { ...toAnswer(pick(session.plan.outputs.map((name) => [name, name]))), state: session.state }
      })
    },
    closeSession: async (sessionId) => void sessions.delete(sessionId),
  }

  return {
    ready: async () => {},
    measure: async () => [],
    check: async (manifest) => check(manifest),
    anticipate: async () => {},
    load,
    loaded: (manifest) => models.get(modelKey(manifest))?.loaded,
    async run(manifest, inputs, { signal, transfer }) {
      const model = modelOf(modelKey(manifest))
      signal?.throwIfAborted()
      const given = take(inputs, transfer)
      model.waiting += 1
      try {
        const outputs = await inTurn(signal, async () => {
          if (manifest.inputs.some(({ name, type }) => given[name]?.type !== type)) {
            throw new EdgeError('edge-run-failed', 'The model failed while it ran on this device.')
          }
          return model.compute(given)
        })
        return { ...toAnswer(outputs), backend: 'wasm', totalMs: runMs }
      } finally {
        model.waiting -= 1
      }
    },
    write: () => Promise.reject(new EdgeError('edge-run-failed', 'The model does not write text.')),
    async hold({ steps }, readFiles) {
      for (const { manifest } of steps) await load(manifest, () => readFiles(manifest))
      return { host, backend: 'wasm', release: () => {} }
    },
    waiting: (manifest) => models.get(modelKey(manifest))?.waiting ?? 0,
    busyForMs: () => 0,
    unload: async (manifest) => void models.delete(modelKey(manifest)),
    forecast: () => ({ backend: 'wasm', ms: runMs }),
    report: () => ({ ...noDevice(), ...(models.size === 0 ? {} : { chosen: 'wasm' }), threads: 1 }),
    close() {
      if (closing.signal.aborted) return
      closing.abort(new DOMException('The client was closed.', 'AbortError'))
      models.clear()
    },
  }
}
