import type { InferenceSession } from 'onnxruntime-common'
import type { TensorMap } from '../../contracts/tensor.ts'
import { EdgeError } from '../../errors/edge-error.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { literalTensors } from '../../protocol/tensors/literal-tensors.ts'
import { unpackInputs } from '../../protocol/tensors/unpack-inputs.ts'
import { handOver } from '../../utils/calls/hand-over.ts'
import { servePage } from '../../utils/calls/serve-page.ts'
import { toRuntimeTensors } from '../../utils/runtime-tensors.ts'
import { sleep } from '../../utils/sleep.ts'
import { type EdgeWorkerMethods, edgeLane, type LoadRequest } from '../worker-types.ts'
import { zeroInputs } from './canary.ts'
import { compileRuntime, measureWasm } from './measure-session.ts'
import { resourceTimes } from './resource-times.ts'
import { openRuntime, type Runtime } from './runtime.ts'
import { createSessionQueue } from './session-queue.ts'
import { openStatefulRuns, type StatefulRuns } from './stateful-runs.ts'
import { fromRuntimeTensors } from './tensors.ts'
import { timeSession, warmUp } from './warm-up.ts'

const queue = createSessionQueue()
const sessions = new Map<string, InferenceSession>()
const wires = new Map<string, LoadRequest['wire']>()
const warmupInputs = new Map<string, TensorMap>()
const stateful = new Map<string, StatefulRuns>()
let opened: { readonly runtime: Runtime; readonly threads: number } | undefined

function runtimeNow() {
  if (opened === undefined) throw new EdgeError('edge-run-failed', 'The runtime is not loaded yet.')
  return opened
}

const providerOf = (backend: LoadRequest['backend']) =>
  backend === 'webnn' ? ({ name: 'webnn', deviceType: 'gpu' } as const) : backend

const locationsOf = ({ backend, keepOnDevice }: LoadRequest): Record<string, 'gpu-buffer'> =>
  Object.fromEntries(backend === 'webgpu' ? (keepOnDevice ?? []).map((name) => [name, 'gpu-buffer']) : [])

/** A run that fails because its device is going may say so before the device does. */
const lossIsToldWithinMs = 200

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

/** Why a run failed: because its device is lost, because the runtime trapped, or as the runtime says. */
async function toRunError(cause: unknown): Promise<EdgeError> {
  const crash = toCrash(cause)
  if (crash !== undefined) return crash
  const info = watched && (await Promise.race([watched.lost, sleep(lossIsToldWithinMs)]))
  if (info !== undefined) {
    return new EdgeError('edge-device-lost', 'The graphics processor was lost while the model ran on it.', { cause })
  }
  return new EdgeError('edge-run-failed', 'The model failed while it ran on this device.', { cause })
}

async function release(session: InferenceSession | undefined): Promise<void> {
  if (session === undefined) return
  if (onDevice.delete(session) && onDevice.size === 0) watched = undefined
  await session.release()
}

function sessionOf(key: string): InferenceSession {
  const session = sessions.get(key)
  if (session === undefined) throw new EdgeError('edge-run-failed', 'The model is not loaded in this worker.')
  return session
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

async function runSession(runtime: Runtime, session: InferenceSession, inputs: TensorMap) {
  return fromRuntimeTensors(await session.run(toRuntimeTensors(runtime.Tensor, inputs)))
}

const methods: EdgeWorkerMethods = {
  async open(flavor, threads) {
    try {
      const { runtime, files } = await openRuntime(flavor, threads)
      // The runtime is compiled now, while its file streams in and while the model is still on its way.
      await queue.add(() => compileRuntime(runtime))
      opened = { runtime, threads }
      return { files, times: resourceTimes() }
    } catch (cause) {
      throw new EdgeError('edge-run-failed', 'The runtime that runs models here could not be loaded.', { cause })
    }
  },

  measure: (budgetMs) => queue.add(() => measureWasm(runtimeNow().runtime, runtimeNow().threads, budgetMs)),

  load: (request) =>
    queue.add(async () => {
      const { runtime } = runtimeNow()
      const startedAt = performance.now()
      let session: InferenceSession | undefined
      try {
        const created = await runtime.InferenceSession.create(request.files.graph, {
          executionProviders: [providerOf(request.backend)],
          preferredOutputLocation: locationsOf(request),
          graphOptimizationLevel: 'all',
          externalData: request.files.externalData?.map(({ path, data }) => ({ path, data })) ?? [],
        })
        session = created
        const createMs = performance.now() - startedAt
        if (request.backend === 'webgpu') {
          onDevice.add(created)
          void watchDevice(runtime)
        }
        const inputs = request.canary ? literalTensors(request.canary.inputs) : zeroInputs(request.inputs)
        const warmupMs = await warmUp((given) => runSession(runtime, created, given), request, inputs)
        warmupInputs.set(request.key, inputs)
        sessions.set(request.key, created)
        wires.set(request.key, request.wire)
        return { createMs, warmupMs }
      } catch (error) {
        await release(session).catch(() => {})
        if (isHitherError(error)) throw error
        throw (
          toCrash(error) ??
          new ModelError('model-load-failed', 'The model could not be loaded in this browser.', {
            cause: error,
            context: { backend: request.backend },
          })
        )
      }
    }),

  run: (key, inputs, signal) =>
    takeTurn(signal, () => runSession(runtimeNow().runtime, sessionOf(key), unpackInputs(wires.get(key), inputs))),

  time: (key) =>
    queue.add(() => {
      const session = sessionOf(key)
      return timeSession((inputs) => runSession(runtimeNow().runtime, session, inputs), warmupInputs.get(key) ?? {})
    }),

  unload: (key) =>
    queue.add(async () => {
      const session = sessions.get(key)
      sessions.delete(key)
      wires.delete(key)
      warmupInputs.delete(key)
      await release(session)
    }),

  startSession: (sessionId, plan, state) =>
    queue.add(async () => {
      stateful.get(sessionId)?.close()
      stateful.set(sessionId, openStatefulRuns(runtimeNow().runtime, plan, sessionOf, state))
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
