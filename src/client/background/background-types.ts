import type { Manifest, TaskName } from '../../contracts/manifest.ts'
import type { AdapterFacts, BackendMeasurement } from '../../contracts/measurements.ts'
import type { Progress } from '../../contracts/model-state.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import type { ModelFiles } from '../../edge/worker-types.ts'
import type { StoredState } from '../../models/model-store.ts'
import type { Detections } from '../../tasks/detect.ts'
import type { PictureSize } from '../../tasks/picture-size.ts'
import type { PictureView } from '../../tasks/picture-view.ts'
import type { PreparedPicture } from '../../tasks/prepare-inputs.ts'
import type { TransferablePicture } from '../../tasks/transferable-picture.ts'

/**
 * What the second worker offers: all that is work but not inference. It is not the edge worker, which a run blocks
 * and a fault replaces: a download goes on, and a picture is read for the cloud, while a model runs or dies there.
 */
export type BackgroundMethods = {
  /** @param catalogUrl absolute */
  open(catalogUrl: string): Promise<{ readonly persistent: boolean }>
  models(): Promise<readonly string[]>
  manifest(name: string): Promise<Manifest>
  storedState(name: string): Promise<StoredState>
  /** @param taskId for `abort` */
  install(name: string, taskId: number, onProgress: (progress: Progress) => void): Promise<void>
  abort(taskId: number): void
  /** What the edge loads of a model, verified; its buffers are handed over. */
  readFiles(name: string): Promise<ModelFiles>
  remove(name: string): Promise<void>
  /** The catalogue's first model of a task; undefined when it has none. */
  modelFor(task: TaskName): Promise<string | undefined>
  /** @param full the picture's own size, where it was made smaller on its way here */
  prepareInputs(name: string, picture: TransferablePicture, full?: PictureSize): Promise<PreparedPicture>
  prepareText(name: string, text: string): Promise<TensorMap>
  /** Inputs in their wire form as the model takes them. */
  unpackInputs(name: string, inputs: TensorMap): Promise<TensorMap>
  /** Begins to cut sound into a model's windows. @param rateHz samples a second of what will come */
  openSound(name: string, soundId: number, rateHz: number): Promise<void>
  /** The windows that are full now. @param last no more will come */
  pushSound(soundId: number, channels: readonly Float32Array[], last: boolean): Promise<Float32Array>
  closeSound(soundId: number): void
  detections(name: string, outputs: TensorMap, view: PictureView): Promise<Detections>
  detectAdapter(): Promise<AdapterFacts | undefined>
  measureWebgpu(): Promise<BackendMeasurement>
  measureWebnn(): Promise<BackendMeasurement>
  readRecord(key: string): Promise<unknown>
  writeRecord(key: string, value: unknown): Promise<void>
}
