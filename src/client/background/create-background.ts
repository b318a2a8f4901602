import type { TaskName } from '../../contracts/manifest.ts'
import type { AdapterFacts, BackendMeasurement } from '../../contracts/measurements.ts'
import type { Progress } from '../../contracts/model-state.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { CapabilityError } from '../../errors/capability-error.ts'
import type { AddSource } from '../../models/catalogue/add-model.ts'
import type { ImportFile } from '../../models/catalogue/import-model.ts'
import type { VerifyReport } from '../../models/store/read-model.ts'
import type { Priority } from '../../models/transfer/transfer-slots.ts'
import type { Detections } from '../../tasks/decode/detect.ts'
import type { PictureSize } from '../../tasks/pictures/picture-size.ts'
import type { PictureView } from '../../tasks/pictures/picture-view.ts'
import type { PreparedPicture } from '../../tasks/pictures/prepare-inputs.ts'
import { type TransferablePicture, transferablesOf } from '../../tasks/pictures/transferable-picture.ts'
import { abortable } from '../../utils/abortable.ts'
import { handOver } from '../../utils/hand-over.ts'
import { openWorkerBridge, toCallback, type WorkerBridge } from '../../utils/worker-bridge.ts'
import type { BackgroundMethods, BackgroundSettings } from './worker/background-types.ts'

interface Abortable {
  readonly signal?: AbortSignal | undefined
}

/** Methods that pass through as they are. */
type Passed =
  | 'models'
  | 'manifest'
  | 'newer'
  | 'isOutdated'
  | 'storedState'
  | 'raise'
  | 'stop'
  | 'readFiles'
  | 'remove'
  | 'withdraw'
  | 'note'
  | 'changeNote'
  | 'usage'
  | 'keepServing'
  | 'switchTo'
  | 'refuse'
  | 'readBytes'

/** Cuts one sound, piece by piece. */
export interface SoundCutter {
  push(channels: readonly Float32Array[], last: boolean): Promise<Float32Array>
  /** Never rejects. */
  close(): Promise<void>
}

/** The page's side of the second worker. Started on first use, and again after it has died. */
export interface Background extends Pick<WorkerBridge<BackgroundMethods>['methods'], Passed> {
  install(
    name: string,
    options: Abortable & {
      readonly revision?: string | undefined
      readonly priority: Priority
      readonly onProgress: (progress: Progress) => void
    },
  ): Promise<void>
  verify(name: string, options: Abortable): Promise<VerifyReport>
  importModel(manifest: unknown, files: readonly ImportFile[], options: Abortable): Promise<string>
  addModel(
    source: AddSource,
    options: Abortable & { readonly onProgress: (progress: Progress) => void },
  ): Promise<string>
  modelFor(task: TaskName): Promise<string | undefined>
  prepareInputs(name: string, picture: TransferablePicture, full?: PictureSize): Promise<PreparedPicture>
  prepareText(name: string, text: string): Promise<TensorMap>
  unpackInputs(name: string, inputs: TensorMap): Promise<TensorMap>
  /** Cuts sound into a model's windows. Its samples are handed over. */
  openSound(name: string, rateHz: number): Promise<SoundCutter>
  detections(name: string, outputs: TensorMap, view: PictureView): Promise<Detections>
  detectAdapter(): Promise<AdapterFacts | undefined>
  measureWebgpu(budgetMs: number): Promise<BackendMeasurement>
  measureWebnn(budgetMs: number): Promise<BackendMeasurement>
  readRecord(key: string): Promise<unknown>
  writeRecord(key: string, value: unknown): Promise<void>
  /** Ends the worker for good: pending and later calls reject with `reason`. */
  terminate(reason: Error): void
}

/** @param token asked for an origin's token, of those in the settings */
export function createBackground(
  startWorker: () => Worker,
  settings: BackgroundSettings,
  token: (origin: string) => string | undefined | Promise<string | undefined> = () => undefined,
): Background {
  let bridge: WorkerBridge<BackgroundMethods> | undefined
  let taskIds = 0
  let ended: Error | undefined

  const methods = () => {
    if (ended !== undefined) throw ended
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
    bridge.methods.open(settings, toCallback(token)).catch(() => {})
    return bridge.methods
  }

  /** Does work that the worker can be told to abort, by a number. */
  const abortableTask = async <T>({ signal }: Abortable, work: (taskId: number) => Promise<T>): Promise<T> => {
    signal?.throwIfAborted()
    const taskId = ++taskIds
    const abort = () =>
      void methods()
        .abort(taskId)
        .catch(() => {})
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await abortable(work(taskId), signal)
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  return {
    models: async () => methods().models(),
    manifest: async (...args) => methods().manifest(...args),
    newer: async (...args) => methods().newer(...args),
    isOutdated: async (...args) => methods().isOutdated(...args),
    storedState: async (...args) => methods().storedState(...args),
    raise: async (...args) => methods().raise(...args),
    stop: async (...args) => methods().stop(...args),
    readFiles: async (...args) => methods().readFiles(...args),
    remove: async (...args) => methods().remove(...args),
    withdraw: async (...args) => methods().withdraw(...args),
    note: async (...args) => methods().note(...args),
    changeNote: async (...args) => methods().changeNote(...args),
    usage: async () => methods().usage(),
    keepServing: async (...args) => methods().keepServing(...args),
    switchTo: async (...args) => methods().switchTo(...args),
    refuse: async (...args) => methods().refuse(...args),
    readBytes: async (...args) => methods().readBytes(...args),
    install: (name, { onProgress, revision, priority, ...rest }) =>
      abortableTask(rest, (taskId) => methods().install(name, taskId, toCallback(onProgress), { revision, priority })),
    verify: (name, options) => abortableTask(options, (taskId) => methods().verify(name, taskId)),
    importModel: (manifest, files, options) =>
      abortableTask(options, (taskId) => methods().importModel(manifest, files, taskId)),
    addModel: (source, { onProgress, ...rest }) =>
      abortableTask(rest, (taskId) => methods().addModel(source, taskId, toCallback(onProgress))),
    modelFor: async (task) => methods().modelFor(task),
    prepareInputs: async (name, picture, full) =>
      methods().prepareInputs(name, handOver(picture, transferablesOf(picture)), full),
    prepareText: async (name, text) => methods().prepareText(name, text),
    unpackInputs: async (name, inputs) => methods().unpackInputs(name, inputs),
    async openSound(name, rateHz) {
      const soundId = ++taskIds
      await methods().openSound(name, soundId, rateHz)
      return {
        push: async (channels, last) =>
          methods().pushSound(soundId, handOver(channels, [...channels.map(({ buffer }) => buffer)]), last),
        async close() {
          if (bridge?.alive) await bridge.methods.closeSound(soundId).catch(() => {})
        },
      }
    },
    detections: async (name, outputs, view) => methods().detections(name, outputs, view),
    detectAdapter: async () => methods().detectAdapter(),
    measureWebgpu: async (budgetMs) => methods().measureWebgpu(budgetMs),
    measureWebnn: async (budgetMs) => methods().measureWebnn(budgetMs),
    readRecord: async (key) => methods().readRecord(key),
    writeRecord: async (key, value) => methods().writeRecord(key, value),
    terminate(reason) {
      ended ??= reason
      bridge?.terminate(reason)
    },
  }
}
