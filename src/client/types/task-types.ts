import type { RouteRecord } from '../../contracts/route.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import type { Classification } from '../../tasks/decode/classify.ts'
import type { Detections } from '../../tasks/decode/detect.ts'
import type { PictureSource } from '../../tasks/pictures/picture-source.ts'
import type { SoundSegment } from '../../tasks/sound/find-activity.ts'
import type { SoundSource } from '../../tasks/sound/sound-source.ts'
import type { GenerateInput, GenerateOptions, Writing, WritingResult } from './generate-types.ts'
import type { RunOptions, RunResult } from './run-types.ts'

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

/** What answers about text. */
export interface TextTask {
  /**
   * Answers about a text. Of a long one, as much is read as the model takes.
   *
   * @throws {ValidationError} `text-empty`, or the model is not of this task
   * @throws {NoArmError} no arm could answer, or none in time
   */
  run(text: string, options?: RunOptions): Promise<TaskResult<Classification>>
}

/** One window of sound, and whether somebody speaks. */
export interface VoiceMoment {
  /** When it began, in milliseconds of sound since the beginning; what was left out does not count. */
  readonly atMs: number
  readonly lengthMs: number
  /** How likely it is that somebody speaks, 0 to 1. */
  readonly probability: number
  /** Somebody speaks, as far as can be told now. */
  readonly active: boolean
  /** Where somebody spoke so far. */
  segments(): readonly SoundSegment[]
  /** Sound that was left out before this window, because the device was more than 5 s behind, in milliseconds. */
  readonly droppedMs: number
  readonly route: RouteRecord
}

/** Where in a sound somebody speaks. */
export interface VoiceActivity {
  /** Length of a window, in milliseconds. */
  readonly windowMs: number
  /** For each window, how likely it is that somebody speaks. */
  readonly probabilities: Float32Array
  readonly segments: readonly SoundSegment[]
}

/** What answers about sound. */
export interface VoiceTask {
  /**
   * Answers about a whole sound. The route is that of its last window.
   *
   * @throws {ValidationError} `sound-unreadable`, `sound-too-large`, `sound-empty`, or the model is not of this task
   * @throws {NoArmError} no arm could answer, or none in time; `deadlineMs` and `timeoutMs` count for each window
   */
  run(sound: SoundSource, options?: RunOptions): Promise<TaskResult<VoiceActivity>>
  /**
   * Answers about a microphone as long as it is iterated, window by window, or about a sound. The model's memory of what
   * it heard goes along from one window to the next.
   *
   * @example
   * ```ts
   * const microphone = await navigator.mediaDevices.getUserMedia({ audio: true })
   * for await (const { active } of client.task('voice-activity').listen(microphone)) lamp.hidden = !active
   * ```
   * @throws as `run` does, and {CapabilityError} `worker-unavailable` where the page may not start an audio worklet
   */
  listen(source: MediaStream | SoundSource, options?: RunOptions): AsyncGenerator<VoiceMoment, void, void>
}

/** What writes text. */
export interface WritingTask {
  /**
   * Writes a whole answer.
   *
   * @throws as `Writing.done` does
   */
  run(input: GenerateInput, options?: GenerateOptions): Promise<WritingResult>
  /** Begins an answer, which comes token by token. */
  write(input: GenerateInput, options?: GenerateOptions): Writing
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
  readonly 'text-classification': TextTask
  readonly 'text-generation': WritingTask
  readonly 'voice-activity': VoiceTask
  readonly tensors: TensorTask
}
