import type { InferenceSession } from 'onnxruntime-common'
import type { TensorMap } from '../../contracts/tensor.ts'
import { EdgeError } from '../../errors/edge-error.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { literalTensors } from '../../protocol/tensors/literal-tensors.ts'
import { unpackInputs } from '../../protocol/tensors/unpack-inputs.ts'
import { handOver } from '../../utils/calls/hand-over.ts'
import { servePage } from '../../utils/calls/serve-page.ts'
import { given } from '../../utils/given.ts'
import { toRuntimeTensors } from '../../utils/runtime-tensors.ts'
import {
  type EdgeWorkerMethods,
  edgeLane,
  type LoadRequest,
  type ModelFiles,
  type RuntimeFlavor,
} from '../worker-types.ts'
import { zeroInputs } from './canary.ts'
import { createDeviceWatch } from './device-watch.ts'
import { compileRuntime, measureWasm } from './measure-session.ts'
import type { ModelWriter } from './model-writer.ts'
import { resourceTimes, watchRuntimeFile } from './resource-times.ts'
import { openRuntime, type Runtime } from './runtime.ts'
import { createSessionQueue } from './session-queue.ts'
import type { StatefulRuns } from './stateful-runs.ts'
import { fromRuntimeTensors, type RuntimeTensor } from './tensors.ts'
import { timeSession, warmUp } from './warm-up.ts'
import { toLoadError, toRunError } from './worker-errors.ts'

/** A model in this worker. */
interface LoadedSession {
  readonly session: InferenceSession
  /** What it was loaded with; its files are the runtime's now. */
  readonly request: Omit<LoadRequest, 'files'>
  /** Its canary, or zeros. */
  readonly warmupInputs: TensorMap
  /** Of a model that writes text. */
  readonly writer?: ModelWriter
}

/** Parts that few pages need. */
const part = <T>(load: () => Promise<T>): Promise<T> =>
  load().catch((cause) => {
    throw new EdgeError(
      'edge-run-failed',
      'A part of this page could not be fetched. Reload it, or try again online.',
      {
        cause,
      },
    )
  })
const sessions = () => part(() => import('./stateful-runs.ts'))
const writers = () => part(() => import('./model-writer.ts'))

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

/** The runtime can take no further call. */
let broken = false
const device = createDeviceWatch()

async function release(session: InferenceSession | undefined): Promise<void> {
  // A failed run leaves asyncify's stack unwound: any further call ends the whole tab. The page replaces the worker.
  if (session === undefined || broken) return
  device.drop(session)
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
      throw await toRunError(error, device.lost())
    }
  })
}

/**
 * Runs a model for the outputs that its manifest names: a graph may have others, also such as cannot be read.
 *
 * @param places where outputs go, by name; null: the runtime decides
 */
async function runGraph(
  { session, request: { outputs } }: Pick<LoadedSession, 'session' | 'request'>,
  inputs: Readonly<Record<string, RuntimeTensor>>,
  places?: Readonly<Record<string, RuntimeTensor | null>>,
): Promise<Readonly<Record<string, RuntimeTensor>>> {
  try {
    return await session.run(inputs, places ?? outputs?.map(({ name }) => name) ?? session.outputNames)
  } catch (error) {
    broken ||= opened?.flavor === 'asyncify'
    throw error
  }
}

const runModel = async (model: LoadedSession, inputs: TensorMap) =>
  fromRuntimeTensors(await runGraph(model, toRuntimeTensors(runtimeNow().runtime.Tensor, inputs)))

/** The writer of a model whose manifest says that it writes text. */
async function openText(session: InferenceSession, request: LoadedSession['request'], files: ModelFiles) {
  const { generation } = request
  if (generation === undefined || files.generation === undefined) return undefined
  const { openModelWriter } = await writers()
  const { runtime } = runtimeNow()
  return openModelWriter({
    runtime,
    session,
    run: (feeds, places) =>
      queue.add(() =>
        runGraph({ session, request }, feeds, places).catch(async (error) =>
          Promise.reject(await toRunError(error, device.lost())),
        ),
      ),
    gpu: request.backend === 'webgpu' ? await runtime.env.webgpu.device : undefined,
    inputs: request.inputs,
    generation,
    files: files.generation,
  })
}

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
          device.hold(session, runtime)
        }
        const writer = await openText(session, request, files)
        const warmupInputs = request.canary
          ? literalTensors(request.canary.inputs)
          : (writer?.firstStep ?? zeroInputs(request.inputs))
        loaded.set(request.key, { session, request, warmupInputs, ...given({ writer }) })
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
        throw await toRunError(error, device.lost())
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
      const { openStatefulRuns } = await sessions()
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

  write(key, request, onEvents, signal) {
    const { writer } = modelOf(key)
    if (writer === undefined) throw new EdgeError('edge-run-failed', 'The model does not write text.')
    return writer.write(request, onEvents, signal)
  },
  closeSession: (sessionId) =>
    queue.add(async () => {
      stateful.get(sessionId)?.close()
      stateful.delete(sessionId)
    }),
}

servePage(methods, { lane: { serves: edgeLane } })
