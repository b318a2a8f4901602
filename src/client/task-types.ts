import type { RouteRecord } from '../contracts/route.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import type { Classification } from '../tasks/classify.ts'
import type { Detections } from '../tasks/detect.ts'
import type { PictureSource } from '../tasks/picture-source.ts'
import type { RunOptions, RunResult } from './types.ts'

export interface TaskOptions {
  /** The model that answers. Default: the catalogue's first one of the task. */
  readonly model?: string
}

/** An answer, and where and why it was found there. */
export interface TaskResult<A> {
  readonly answer: A
  readonly route: RouteRecord
}

/** An answer about one frame of a moving picture. */
export interface WatchedFrame<A> extends TaskResult<A> {
  /** The frame's time in the video or camera, in milliseconds. */
  readonly atMs: number
  /** Frames that were shown since the last answer and left out, because the device was still at work. */
  readonly droppedFrames: number
}

/** What answers about pictures. */
export interface PictureTask<A> {
  /**
   * Answers about one picture.
   *
   * @throws {ValidationError} `picture-unreadable`, `picture-too-large`, `picture-empty`, or the model is not of this task
   * @throws {NoArmError} no arm could answer, or none in time
   */
  run(picture: PictureSource, options?: RunOptions): Promise<TaskResult<A>>
  /**
   * Answers about a camera or a playing video for as long as it is iterated, at the rate that the device manages: the
   * next frame is taken when the answer before it has been taken, and those between are left out. Ends when the video
   * or the camera ends.
   *
   * @example
   * ```ts
   * const camera = await navigator.mediaDevices.getUserMedia({ video: true })
   * for await (const { answer } of client.task('face-detection').watch(camera)) draw(answer.detections)
   * ```
   * @throws as `run` does
   */
  watch(source: HTMLVideoElement | MediaStream, options?: RunOptions): AsyncGenerator<WatchedFrame<A>, void, void>
}

/** Tensors in, tensors out. */
export interface TensorTask {
  /** @throws as `Client.run` does */
  run(inputs: TensorMap, options?: RunOptions): Promise<RunResult>
}

/** The tasks by name, and what each takes and gives. */
export interface Tasks {
  readonly 'image-classification': PictureTask<Classification>
  readonly 'face-detection': PictureTask<Detections>
  readonly 'object-detection': PictureTask<Detections>
  readonly tensors: TensorTask
}
