import type { Manifest, TaskName } from '../../../contracts/manifest.ts'
import type { AdapterFacts, BackendMeasurement } from '../../../contracts/measurements.ts'
import type { Backend, Progress } from '../../../contracts/model-state.ts'
import type { TensorMap } from '../../../contracts/tensor.ts'
import type { ModelFiles } from '../../../edge/worker-types.ts'
import type { AddSource } from '../../../models/catalogue/add-source.ts'
import type { ImportFile } from '../../../models/catalogue/import-model.ts'
import type { OperatorWithdrawal } from '../../../models/catalogue/operator-withdrawals.ts'
import type { ModelNote } from '../../../models/store/model-notes.ts'
import type { StoredState } from '../../../models/store/model-store.ts'
import type { VerifyReport } from '../../../models/store/read-model.ts'
import type { StoreUsage } from '../../../models/store/store-usage.ts'
import type { Traffic } from '../../../models/transfer/traffic-meter.ts'
import type { Priority } from '../../../models/transfer/transfer-slots.ts'
import type { SimulatedNetwork } from '../../../network/simulated-network.ts'
import type { DecodedBy } from '../../../tasks/decode/answer-for.ts'
import type { Detections } from '../../../tasks/decode/detect.ts'
import type { PictureView } from '../../../tasks/pictures/picture-view.ts'
import type { PreparedBy, PreparedPicture } from '../../../tasks/pictures/prepare-inputs.ts'
import type { PictureSize } from '../../../tasks/pictures/size-reader.ts'
import type { TransferablePicture } from '../../../tasks/pictures/transferable-picture.ts'

/** What the second worker is opened with. */
export interface BackgroundSettings {
  /** Absolute. */
  readonly catalogUrl: string
  /** Backends that may be used: what a variant of a model is held against. */
  readonly backends: readonly Backend[]
  /** Memory that loaded models may take together. */
  readonly memoryBytes: number
  readonly encrypt?: boolean | undefined
  readonly budgetBytes?: number | undefined
  readonly connections?: number | undefined
  readonly firstByteMs?: number | undefined
  readonly idleMs?: number | undefined
  readonly totalMs?: number | undefined
  /** A network to pretend. */
  readonly network?: SimulatedNetwork | undefined
  /** Origins that a token is known for. */
  readonly tokenOrigins: readonly string[]
}

interface Abortable {
  readonly signal?: AbortSignal | undefined
}

/** Cuts one sound, piece by piece. It lives in the worker as long as the page holds on to it. */
export interface SoundCutter {
  /** The windows that are full now. @param last no more will come */
  push(channels: readonly Float32Array[], last: boolean): Promise<Float32Array>
}

/** A server of a model's files. */
export interface ModelSource {
  readonly origin: string
  readonly bytes: number
}

/** The stored models' part of the second worker's methods. A revision is named where another one may serve by now. */
export interface ModelMethods {
  models(): Promise<readonly string[]>
  manifest(name: string): Promise<Manifest>
  /** A newer revision in the catalogue, if there is one that was not refused here. */
  newer(name: string): Promise<Manifest | undefined>
  /** True when the catalogue, as it was loaded last, has such a revision. */
  isOutdated(name: string): Promise<boolean>
  storedState(name: string, revision: string): Promise<StoredState>
  install(
    name: string,
    revision: string,
    options: Abortable & { readonly priority: Priority; readonly onProgress: (progress: Progress) => void },
  ): Promise<void>
  /** Raises an install under way: somebody waits for the model now. */
  raise(name: string, revision: string): Promise<void>
  /** Ends an install under way; what has arrived stays. */
  stop(name: string, revision: string): Promise<void>
  /** The files that the edge loads, verified; their buffers are handed over. */
  readFiles(name: string, revision: string): Promise<ModelFiles>
  verify(name: string, revision: string, options: Abortable): Promise<VerifyReport>
  remove(name: string): Promise<void>
  /** Refuses and frees what operators withdrew. @param isWhole false: what was withdrawn before stays so */
  withdraw(models: readonly OperatorWithdrawal[], isWhole: boolean): Promise<void>
  note(name: string): Promise<ModelNote>
  changeNote(name: string, change: ModelNote): Promise<void>
  /** The servers that the model's files are fetched from, as origins, and the bytes of each; none where they came from this device. */
  sources(name: string, revision: string): Promise<readonly ModelSource[]>
  usage(): Promise<StoreUsage>
  keepServing(name: string, revision: string): Promise<void>
  switchTo(name: string, revision: string): Promise<void>
  refuse(name: string, revision: string): Promise<void>
  /** A stored file's bytes from `start` to `end`, checked; handed over. */
  readBytes(name: string, revision: string, path: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>>
  /** Stores a model from its files, each checked against the manifest. Returns its name. */
  importModel(
    manifest: unknown,
    files: readonly ImportFile[],
    options: { readonly signal: AbortSignal },
  ): Promise<string>
  /** Returns the new model's name. */
  addModel(
    source: AddSource,
    options: { readonly signal: AbortSignal; readonly onProgress: (progress: Progress) => void },
  ): Promise<string>
}

/**
 * The second worker's methods: all work but inference. It is not the edge worker, which a run blocks and a fault
 * replaces: a download goes on, and a picture is read for the cloud, while a model runs or its worker dies.
 *
 * Methods that prepare inputs or read outputs are given the parts of the manifest that they go by: around an update, the
 * page may run another revision than the one that serves in this worker.
 */
export interface BackgroundMethods extends ModelMethods {
  /**
   * @param token asked for the token of an origin in `tokenOrigins`; its answer goes to that origin only
   * @param onTraffic told how fast the models' files come
   */
  open(
    settings: BackgroundSettings,
    token: (origin: string) => string | undefined | Promise<string | undefined>,
    onTraffic: (traffic: Traffic) => void,
  ): Promise<{ readonly persistent: boolean }>
  /** The catalogue's first model of a task; undefined when it has none. */
  modelFor(task: TaskName): Promise<string | undefined>
  /** @param full the picture's own size, where it was made smaller on its way here */
  prepareInputs(by: PreparedBy, picture: TransferablePicture, full?: PictureSize): Promise<PreparedPicture>
  prepareText(by: PreparedBy, text: string): Promise<TensorMap>
  /** Inputs in their wire form as the model takes them. */
  unpackInputs(by: Pick<Manifest, 'wire'>, inputs: TensorMap): Promise<TensorMap>
  /** Begins to cut sound into a model's windows. @param rateHz samples a second of what will come */
  openSound(by: Pick<Manifest, 'name' | 'preprocessing'>, rateHz: number): Promise<SoundCutter>
  detections(by: DecodedBy, outputs: TensorMap, view: PictureView): Promise<Detections>
  detectAdapter(): Promise<AdapterFacts | undefined>
  measureWebgpu(budgetMs: number): Promise<BackendMeasurement>
  measureWebnn(budgetMs: number): Promise<BackendMeasurement>
  readRecord(key: string): Promise<unknown>
  writeRecord(key: string, value: unknown): Promise<void>
}
