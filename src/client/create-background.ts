import { proxy, transfer } from 'comlink'
import type { Manifest, TaskName } from '../contracts/manifest.ts'
import type { AdapterFacts, BackendMeasurement } from '../contracts/measurements.ts'
import type { Progress } from '../contracts/model-state.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import type { ModelFiles } from '../edge/worker-types.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import type { StoredState } from '../models/model-store.ts'
import type { Detections } from '../tasks/detect.ts'
import type { PictureSize } from '../tasks/picture-size.ts'
import type { PictureView } from '../tasks/picture-view.ts'
import type { PreparedPicture } from '../tasks/prepare-inputs.ts'
import { type TransferablePicture, transferablesOf } from '../tasks/transferable-picture.ts'
import { abortable } from '../utils/abortable.ts'
import { openWorkerBridge, type WorkerBridge } from '../utils/worker-bridge.ts'
import type { BackgroundMethods } from './background/background-types.ts'

/** Cuts one sound, piece by piece. */
export interface SoundCutter {
  push(channels: readonly Float32Array[], last: boolean): Promise<Float32Array>
  /** Never rejects. */
  close(): Promise<void>
}

/** The page's side of the second worker. Started on first use, and again after it has died. */
export interface Background {
  models(): Promise<readonly string[]>
  manifest(name: string): Promise<Manifest>
  storedState(name: string): Promise<StoredState>
  install(
    name: string,
    options: { readonly signal?: AbortSignal | undefined; readonly onProgress: (progress: Progress) => void },
  ): Promise<void>
  readFiles(name: string): Promise<ModelFiles>
  remove(name: string): Promise<void>
  modelFor(task: TaskName): Promise<string | undefined>
  prepareInputs(name: string, picture: TransferablePicture, full?: PictureSize): Promise<PreparedPicture>
  prepareText(name: string, text: string): Promise<TensorMap>
  unpackInputs(name: string, inputs: TensorMap): Promise<TensorMap>
  /** Cuts sound into a model's windows. Its samples are handed over. */
  openSound(name: string, rateHz: number): Promise<SoundCutter>
  detections(name: string, outputs: TensorMap, view: PictureView): Promise<Detections>
  detectAdapter(): Promise<AdapterFacts | undefined>
  measureWebgpu(): Promise<BackendMeasurement>
  measureWebnn(): Promise<BackendMeasurement>
  readRecord(key: string): Promise<unknown>
  writeRecord(key: string, value: unknown): Promise<void>
  terminate(reason: Error): void
}

export function createBackground(startWorker: () => Worker, catalogUrl: string): Background {
  let bridge: WorkerBridge<BackgroundMethods> | undefined
  let taskIds = 0

  const methods = () => {
    if (bridge?.alive) return bridge.methods
    let worker: Worker
    try {
      worker = startWorker()
    } catch (cause) {
      throw new CapabilityError('worker-unavailable', 'This page may not start the worker that reads and stores.', {
        cause,
      })
    }
    bridge = openWorkerBridge<BackgroundMethods>(worker, (event) => {
      const detail = 'message' in event ? event.message : ''
      return new CapabilityError('worker-unavailable', 'The worker that reads and stores could not run.', {
        context: { detail },
      })
    })
    // Messages are handled in order: whatever is called next finds it open. A failure shows there too.
    bridge.methods.open(catalogUrl).catch(() => {})
    return bridge.methods
  }

  return {
    models: async () => methods().models(),
    manifest: async (name) => methods().manifest(name),
    storedState: async (name) => methods().storedState(name),
    async install(name, { signal, onProgress }) {
      signal?.throwIfAborted()
      const taskId = ++taskIds
      const abort = () =>
        void methods()
          .abort(taskId)
          .catch(() => {})
      signal?.addEventListener('abort', abort, { once: true })
      try {
        await abortable(methods().install(name, taskId, proxy(onProgress)), signal)
      } finally {
        signal?.removeEventListener('abort', abort)
      }
    },
    readFiles: async (name) => methods().readFiles(name),
    remove: async (name) => methods().remove(name),
    modelFor: async (task) => methods().modelFor(task),
    prepareInputs: async (name, picture, full) =>
      methods().prepareInputs(name, transfer(picture, transferablesOf(picture)), full),
    prepareText: async (name, text) => methods().prepareText(name, text),
    unpackInputs: async (name, inputs) => methods().unpackInputs(name, inputs),
    async openSound(name, rateHz) {
      const soundId = ++taskIds
      await methods().openSound(name, soundId, rateHz)
      return {
        push: async (channels, last) =>
          methods().pushSound(soundId, transfer(channels, [...channels.map(({ buffer }) => buffer)]), last),
        async close() {
          if (bridge?.alive) await bridge.methods.closeSound(soundId).catch(() => {})
        },
      }
    },
    detections: async (name, outputs, view) => methods().detections(name, outputs, view),
    detectAdapter: async () => methods().detectAdapter(),
    measureWebgpu: async () => methods().measureWebgpu(),
    measureWebnn: async () => methods().measureWebnn(),
    readRecord: async (key) => methods().readRecord(key),
    writeRecord: async (key, value) => methods().writeRecord(key, value),
    terminate(reason) {
      bridge?.terminate(reason)
    },
  }
}
