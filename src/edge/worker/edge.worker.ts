import type { InferenceSession } from 'onnxruntime-common'
import type { TensorMap } from '../../contracts/tensor.ts'
import { EdgeError } from '../../errors/edge-error.ts'
import { type HitherError, isHitherError } from '../../errors/hither-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { literalTensors } from '../../protocol/tensors/literal-tensors.ts'
import { unpackInputs } from '../../protocol/tensors/unpack-inputs.ts'
import { handOver } from '../../utils/calls/hand-over.ts'
import { servePage } from '../../utils/calls/serve-page.ts'
import { given } from '../../utils/given.ts'
import { toRuntimeTensors } from '../../utils/runtime-tensors.ts'
import { sleep } from '../../utils/sleep.ts'
import { type EdgeWorkerMethods, edgeLane, type LoadRequest, type RuntimeFlavor } from '../worker-types.ts'
import { zeroInputs } from './canary.ts'
import { compileRuntime, measureWasm } from './measure-session.ts'
import { resourceTimes, watchRuntimeFile } from './resource-times.ts'
import { openRuntime, type Runtime } from './runtime.ts'
import { runtimeReason, withReason } from './runtime-reason.ts'
import { createSessionQueue } from './session-queue.ts'
import { openStatefulRuns, type StatefulRuns } from './stateful-runs.ts'
import { fromRuntimeTensors, type RuntimeTensor } from './tensors.ts'
import { timeSession, warmUp } from './warm-up.ts'

/** A model in this worker. */
interface LoadedSession {
  readonly session: InferenceSession
  /** What it was loaded with; its files are the runtime's now. */
  readonly request: Omit<LoadRequest, 'files'>
  /** Its canary, or zeros. */
  readonly warmupInputs: TensorMap
}

const queue = createSessionQueue()
const loaded = new Map<string, LoadedSession>()
const stateful = new Map<string, StatefulRuns>()
let opened: { readonly runtime: Runtime; readonly threads: number; readonly flavor: RuntimeFlavor } | undefined

function runtimeNow() {
  if (opened === undefined) throw new EdgeError('edge-run-failed', 'The runtime is not loaded yet.')
  return opened
}

const providerOf = (backend: LoadRequest['backend']) =>
  backend === 'webnn' ? ({ name: 'webnn', deviceType: 'gpu' } as const) : backend

const locationsOf = ({ backend, keepOnDevice }: LoadedSession['request']): Record<string, 'gpu-buffer'> =>
  Object.fromEntries(backend === 'webgpu' ? (keepOnDevice ?? []).map((name) => [name, 'gpu-buffer']) : [])

/** A run that fails because its device is going may say so before the device does. */
const lossIsToldWithinMs = 200

/** The runtime can take no further call. */
let broken = false

let watched: { readonly lost: Promise<GPUDeviceLostInfo> } | undefined
/** Sessions that the device is there for. */
const onDevice = new Set<InferenceSession>()

/** A lost device leaves its run pending for ever and the runtime unusable: the page must replace the worker. */
async function watchDevice(runtime: Runtime): Promise<void> {
  const device = await runtime.env.webgpu.device
  if (device === undefined || watched !== undefined || onDevice.size === 0) return
  watched = device
  const { reason, message } = await device.lost
  // The runtime gives its device up with the last session on it, and asks for another with the next one.
  if (watched !== device) return
  setTimeout(() => {
    throw new Error(`edge-device-lost: ${reason} ${message}`)
  })
}

/** After a trap nothing in this runtime can be relied on: the page replaces the worker. */
const toCrash = (cause: unknown): EdgeError | undefined =>
  cause instanceof WebAssembly.RuntimeError
    ? new EdgeError('edge-crashed', 'The part of this page that runs models has crashed and was replaced.', { cause })
    : undefined

/** Why a model did not load, or its first run failed. */
function toLoadError(error: unknown, { backend }: Pick<LoadRequest, 'backend'>): HitherError {
  if (isHitherError(error)) return error
  const reason = runtimeReason(error)
  return (
    toCrash(error) ??
    new ModelError('model-load-failed', withReason('The model could not be loaded in this browser', reason), {
      cause: error,
      context: { backend, ...given({ reason }) },
    })
  )
}

/** Why a run failed: because its device is lost, because the runtime trapped, or as the runtime says. */
async function toRunError(cause: unknown): Promise<EdgeError> {
  const crash = toCrash(cause)
  if (crash !== undefined) return crash
  const info = watched && (await Promise.race([watched.lost, sleep(lossIsToldWithinMs)]))
  if (info !== undefined) {
    return new EdgeError('edge-device-lost', 'The graphics processor was lost while the model ran on it.', { cause })
  }
  const reason = runtimeReason(cause)
  return new EdgeError('edge-run-failed', withReason('The model failed while it ran on this device', reason), {
    cause,
    context: given({ reason }),
  })
}

async function release(session: InferenceSession | undefined): Promise<void> {
  // A failed run leaves asyncify's stack unwound: any further call ends the whole tab. The page replaces the worker.
  if (session === undefined || broken) return
  if (onDevice.delete(session) && onDevice.size === 0) watched = undefined
  await session.release()
}

/** @throws {EdgeError} `edge-run-failed` */
function modelOf(key: string): LoadedSession {
  const model = loaded.get(key)
  if (model === undefined) throw new EdgeError('edge-run-failed', 'The model is not loaded in this worker.')
  return model
}

/** A run in its turn: dropped when it was aborted before it started; a failure of the runtime becomes an `EdgeError`. */
function takeTurn<T extends object>(
  signal: AbortSignal | undefined,
  work: () => Promise<T & { readonly buffers: ArrayBuffer[] }>,
) {
  const arrivedAt = performance.now()
  return queue.add(async () => {
    signal?.throwIfAborted()
    const startedAt = performance.now()
    try {
      const { buffers, ...answer } = await work()
      const computeMs = performance.now() - startedAt
      return handOver({ ...answer, queueMs: startedAt - arrivedAt, computeMs }, buffers)
    } catch (error) {
      if (isHitherError(error)) throw error
      throw await toRunError(error)
    }
  })
}

/** Runs a model for the outputs that its manifest names: a graph may have others, also such as cannot be read. */
async function runGraph(
  { session, request: { outputs } }: LoadedSession,
  inputs: Readonly<Record<string, RuntimeTensor>>,
): Promise<Readonly<Record<string, RuntimeTensor>>> {
  try {
    return await session.run(inputs, outputs?.map(({ name }) => name) ?? session.outputNames)
  } catch (error) {
    broken ||= opened?.flavor === 'asyncify'
    throw error
  }
}

const runModel = async (model: LoadedSession, inputs: TensorMap) =>
  fromRuntimeTensors(await runGraph(model, toRuntimeTensors(runtimeNow().runtime.Tensor, inputs)))

/** @throws {TypeError} the manifest names an input or output that the graph does not have, or has in another type */
function checkSpecs(
  { inputMetadata, outputMetadata }: InferenceSession,
  { inputs, outputs = [] }: LoadedSession['request'],
): void {
  for (const [kind, specs, found] of [
    ['input', inputs, inputMetadata],
    ['output', outputs, outputMetadata],
  ] as const) {
    for (const { name, type } of specs) {
      const own = found.find((value) => value.name === name)
      if (own === undefined) throw new TypeError(`the graph has no ${kind} "${name}"`)
      const ownType = own.isTensor ? own.type : 'no tensor'
      if (ownType !== type) throw new TypeError(`the graph's ${kind} "${name}" is ${ownType}, not ${type}`)
    }
  }
}

const methods: EdgeWorkerMethods = {
  async open(flavor, threads, onFetched) {
    const watch = watchRuntimeFile(onFetched)
    try {
      const { runtime, files } = await openRuntime(flavor, threads)
      // The runtime is compiled now, while its file streams in and while the model is still on its way.
      await queue.add(() => compileRuntime(runtime))
      opened = { runtime, threads, flavor }
      return { files, times: resourceTimes() }
    } catch (cause) {
      throw new EdgeError('edge-run-failed', 'The runtime that runs models here could not be loaded.', { cause })
    } finally {
      watch.disconnect()
    }
  },

  measure: (budgetMs) => queue.add(() => measureWasm(runtimeNow().runtime, runtimeNow().threads, budgetMs)),

  load: ({ files, ...request }) =>
    queue.add(async () => {
      const { runtime } = runtimeNow()
      const startedAt = performance.now()
      let session: InferenceSession | undefined
      try {
        session = await runtime.InferenceSession.create(files.graph, {
          executionProviders: [providerOf(request.backend)],
          preferredOutputLocation: locationsOf(request),
          graphOptimizationLevel: 'all',
          externalData: files.externalData?.map(({ path, data }) => ({ path, data })) ?? [],
        })
        const createMs = performance.now() - startedAt
        checkSpecs(session, request)
        if (request.backend === 'webgpu') {
          onDevice.add(session)
          void watchDevice(runtime)
        }
        const warmupInputs = request.canary ? literalTensors(request.canary.inputs) : zeroInputs(request.inputs)
        loaded.set(request.key, { session, request, warmupInputs })
        return { createMs }
      } catch (error) {
        await release(session).catch(() => {})
        throw toLoadError(error, request)
      }
    }),

  warmUp: (key) =>
    queue.add(async () => {
      const model = modelOf(key)
      try {
        return await warmUp((inputs) => runModel(model, inputs), model.request, model.warmupInputs)
      } catch (error) {
        loaded.delete(key)
        await release(model.session).catch(() => {})
        throw toLoadError(error, model.request)
      }
    }),

  run: (key, inputs, signal) =>
    takeTurn(signal, () => {
      const model = modelOf(key)
      return runModel(model, unpackInputs(model.request.wire, inputs))
    }),

  time: (key) =>
    queue.add(async () => {
      const model = modelOf(key)
      try {
        return await timeSession((inputs) => runModel(model, inputs), model.warmupInputs)
      } catch (error) {
        throw await toRunError(error)
      }
    }),

  unload: (key) =>
    queue.add(async () => {
      const model = loaded.get(key)
      loaded.delete(key)
      await release(model?.session)
    }),

  startSession: (sessionId, plan, state) =>
    queue.add(async () => {
      stateful.get(sessionId)?.close()
      stateful.set(
        sessionId,
        openStatefulRuns(runtimeNow().runtime, plan, (key, inputs) => runGraph(modelOf(key), inputs), state),
      )
    }),

  runSession: (sessionId, inputs, signal) =>
    takeTurn(signal, () => {
      const runs = stateful.get(sessionId)
      if (runs === undefined) throw new EdgeError('edge-run-failed', 'The session is not open in this worker.')
      return runs.run(inputs)
    }),

  closeSession: (sessionId) =>
    queue.add(async () => {
      stateful.get(sessionId)?.close()
      stateful.delete(sessionId)
    }),
}

servePage(methods, { lane: { serves: edgeLane } })
