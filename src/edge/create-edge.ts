import type { Manifest } from '../contracts/manifest.ts'
import type { BackendMeasurement, DeviceReport } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { chooseBackend, predictRunMs } from '../device/choose-backend.ts'
import { detectJspi } from '../device/detect-jspi.ts'
import { detectThreads } from '../device/detect-threads.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { ModelError } from '../errors/model-error.ts'
import { modelKey } from '../models/model-key.ts'
import { memoizeAsync } from '../utils/memoize-async.ts'
import { createEdgeHost, type EdgeHost } from './edge-host.ts'
import type { LoadReport, ModelFiles, RuntimeFlavor, WorkerRun } from './worker-types.ts'

/** A loaded model: where it runs, and how long its warm-up runs took. */
export interface LoadedModel extends LoadReport {
  readonly backend: Backend
}

export interface EdgeRun extends WorkerRun {
  readonly backend: Backend
  /** From sending the request to the worker to having its answer, in milliseconds. */
  readonly totalMs: number
}

/** Runs models on this device. */
export interface Edge {
  /** Measures the backends, once. Never rejects. */
  measure(): Promise<readonly BackendMeasurement[]>
  /**
   * Loads a model on the backend that measuring chose, or does nothing when it is loaded.
   *
   * @param readFiles reads the model's files; their buffers are handed to the worker
   * @throws {CapabilityError} no backend can run here
   * @throws {ModelError} the model does not load, or answers its canary wrongly
   * @throws {EdgeError} the worker died
   */
  load(manifest: Manifest, readFiles: () => Promise<ModelFiles>): Promise<LoadedModel>
  /** The loaded model; undefined when its worker has died since. */
  loaded(manifest: Manifest): LoadedModel | undefined
  /** @throws {EdgeError} the run failed, hung, or its worker died; the next run gets a new worker */
  run(
    manifest: Manifest,
    inputs: TensorMap,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<EdgeRun>
  /** Calls that wait or run in the model's worker. */
  waiting(manifest: Manifest): number
  unload(manifest: Manifest): Promise<void>
  /** The backend a model of this many multiply-accumulates would run on, and how long a run is predicted to take. */
  forecast(macs: number): { readonly backend: Backend; readonly ms?: number | undefined } | undefined
  report(): DeviceReport
  close(): void
}

/** A backend whose canary was wrong, or on which the model does not load: another one may do. */
const isBackendsFault = (error: unknown): boolean =>
  isHitherError(error) &&
  (error.code === 'model-wrong-answer' || error.code === 'model-load-failed' || error.name === 'EdgeError')

/** Slower than this times what WASM is predicted to take, a WebGPU session is moved to WASM. */
const movesWhenSlowerBy = 1.1

export interface EdgeOptions {
  readonly startWorker: () => Worker
  readonly measureWebgpu: () => Promise<BackendMeasurement>
  /** Backends that may be used. */
  readonly backends: readonly Backend[]
  readonly threads?: number | undefined
  /** Told when the device was measured, a backend chosen or runtime files loaded. */
  readonly onDevice?: ((report: DeviceReport) => void) | undefined
  /** Told when a worker has died, with the models that were in it. */
  readonly onDeath?: ((reason: Error) => void) | undefined
}

export function createEdge(options: EdgeOptions): Edge {
  const { startWorker, measureWebgpu, backends, onDevice, onDeath } = options
  const threads = options.threads ?? detectThreads()
  const hosts = new Map<RuntimeFlavor, EdgeHost>()
  const models = new Map<string, LoadedModel>()
  const quarantined = new Set<Backend>()
  let measurements: readonly BackendMeasurement[] = []
  let closed = false

  const flavorOf = (backend: Backend): RuntimeFlavor => {
    if (backend === 'wasm') return 'wasm'
    return detectJspi() ? 'jspi' : 'asyncify'
  }
  const hostOf = (backend: Backend): EdgeHost => {
    const flavor = flavorOf(backend)
    const host = hosts.get(flavor) ?? createEdgeHost({ flavor, threads, startWorker, ...(onDeath ? { onDeath } : {}) })
    hosts.set(flavor, host)
    return host
  }
  const allowed = () => backends.filter((backend) => !quarantined.has(backend))

  const report = (): DeviceReport => {
    const newest = [...models.values()].at(-1)
    return {
      crossOriginIsolated: globalThis.crossOriginIsolated === true,
      hardwareConcurrency: globalThis.navigator?.hardwareConcurrency ?? 1,
      backends: measurements,
      ...(newest === undefined ? {} : { chosen: newest.backend }),
      threads,
      runtimeFiles: [...hosts.values()].flatMap(({ files }) => files),
    }
  }
  const tell = () => {
    if (!closed) onDevice?.(report())
  }

  const measure = memoizeAsync(async (_: 'device') => {
    const found: BackendMeasurement[] = []
    if (backends.includes('wasm')) {
      try {
        found.push(await hostOf('wasm').measure())
      } catch (error) {
        found.push({
          backend: 'wasm',
          status: 'failed',
          detail: error instanceof Error ? error.message : String(error),
        })
      }
    }
    // One after the other: a software adapter works on the processor that WASM is timed on.
    if (backends.includes('webgpu')) found.push(await measureWebgpu())
    measurements = found
    tell()
    return found
  })

  const loadOn = async (backend: Backend, manifest: Manifest, files: ModelFiles): Promise<LoadedModel> => {
    const loadReport = await hostOf(backend).load({
      key: modelKey(manifest),
      files,
      backend,
      inputs: manifest.inputs,
      canary: manifest.canary,
      tolerance: manifest.tolerance.absolute,
    })
    return { ...loadReport, backend }
  }

  /** WASM instead, when WebGPU turned out slower on the real model than WASM is predicted to be. */
  const correctChoice = async (chosen: LoadedModel, manifest: Manifest, readFiles: () => Promise<ModelFiles>) => {
    const wasm = measurements.find(({ backend }) => backend === 'wasm')
    const wasmMs = wasm && predictRunMs(wasm, manifest.complexity.macs)
    if (chosen.backend !== 'webgpu' || !allowed().includes('wasm') || wasmMs === undefined) return chosen
    if (chosen.warmupMs <= wasmMs * movesWhenSlowerBy) return chosen
    const other = await loadOn('wasm', manifest, await readFiles())
    const [better, worse] = other.warmupMs < chosen.warmupMs ? [other, chosen] : [chosen, other]
    await hostOf(worse.backend).unload(modelKey(manifest))
    return better
  }

  const loadModel = async (manifest: Manifest, readFiles: () => Promise<ModelFiles>): Promise<LoadedModel> => {
    await measure('device')
    for (;;) {
      const backend = chooseBackend(measurements, manifest.complexity.macs, allowed())
      if (backend === undefined) {
        throw new CapabilityError(
          'no-backend',
          'This browser has nothing that can run this model: no WebAssembly and no WebGPU that works.',
        )
      }
      try {
        const chosen = await loadOn(backend, manifest, await readFiles())
        const model = await correctChoice(chosen, manifest, readFiles)
        models.set(modelKey(manifest), model)
        tell()
        return model
      } catch (error) {
        const others = allowed().filter(
          (other) => other !== backend && measurements.some((m) => m.backend === other && m.status === 'measured'),
        )
        if (!isBackendsFault(error) || others.length === 0) throw error
        quarantined.add(backend)
      }
    }
  }

  const loads = new Map<string, Promise<LoadedModel>>()
  const isAlive = (manifest: Manifest): LoadedModel | undefined => {
    const model = models.get(modelKey(manifest))
    return model !== undefined && hostOf(model.backend).has(modelKey(manifest)) ? model : undefined
  }

  return {
    measure: () => measure('device'),
    load(manifest, readFiles) {
      const alive = isAlive(manifest)
      if (alive !== undefined) return Promise.resolve(alive)
      const key = modelKey(manifest)
      const loading = loads.get(key) ?? loadModel(manifest, readFiles).finally(() => loads.delete(key))
      loads.set(key, loading)
      return loading
    },
    loaded: isAlive,
    async run(manifest, inputs, { timeoutMs, signal }) {
      const model = models.get(modelKey(manifest))
      if (model === undefined) throw new ModelError('model-load-failed', 'The model is not loaded on this device.')
      const startedAt = performance.now()
      const run = await hostOf(model.backend).run(modelKey(manifest), inputs, { timeoutMs, signal })
      return { ...run, backend: model.backend, totalMs: performance.now() - startedAt }
    },
    waiting(manifest) {
      const model = models.get(modelKey(manifest))
      return model === undefined ? 0 : hostOf(model.backend).waiting
    },
    async unload(manifest) {
      const model = models.get(modelKey(manifest))
      models.delete(modelKey(manifest))
      if (model !== undefined) await hostOf(model.backend).unload(modelKey(manifest))
    },
    forecast(macs) {
      const backend = chooseBackend(measurements, macs, allowed()) ?? allowed()[0]
      if (backend === undefined) return undefined
      const measurement = measurements.find((candidate) => candidate.backend === backend)
      return { backend, ms: measurement && predictRunMs(measurement, macs) }
    },
    report,
    close() {
      closed = true
      for (const host of hosts.values()) host.terminate(new DOMException('The client was closed.', 'AbortError'))
      hosts.clear()
      models.clear()
    },
  }
}
