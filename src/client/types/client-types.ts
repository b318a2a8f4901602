import type { DeviceReport, LinkReport, ModelProgress } from '../../contracts/measurements.ts'
import type { ModelState } from '../../contracts/model-state.ts'
import type { Notice } from '../../contracts/notice.ts'
import type {
  Prediction,
  RouteArmPrediction,
  RouteKnowledge,
  RouteReason,
  RouteRecord,
  RouteWritingArm,
} from '../../contracts/route.ts'
import type { OutboxState } from '../../outbox/create-outbox.ts'
import type { Policy } from './client-options.ts'
import type { GenerateInput, GenerateOptions, Writing } from './generate-types.ts'
import type { ModelsApi } from './models-types.ts'
import type { OutboxApi } from './outbox-types.ts'
import type { RunInputs, RunOptions, RunResult } from './run-types.ts'
import type { ModelSession, SessionOptions } from './session-types.ts'
import type { TaskOptions, Tasks } from './task-types.ts'

/** Where the next request would run, and why. */
export interface RouteExplanation {
  readonly arm: 'edge' | 'cloud'
  readonly reason: RouteReason
  readonly why: string
  readonly predicted: { readonly edge?: Prediction; readonly cloud?: Prediction }
  /** The endpoint it would run on, by its address. */
  readonly endpoint?: string
  /** What is predicted of each arm, the edge first, then each endpoint. */
  readonly arms?: readonly RouteArmPrediction[]
  /** What the prediction rests on. */
  readonly known?: RouteKnowledge
  /** Of a model that writes text: how fast each arm would, and when it would be done. `arms` has the first tokens. */
  readonly writing?: { readonly answerTokens: number; readonly arms: readonly RouteWritingArm[] }
  /** The larger model that is asked where this one's confidence is below `minConfidence`. */
  readonly cascade?: { readonly large: string; readonly minConfidence: number }
}

export interface ClientEvents {
  /** A request was answered. */
  readonly route: RouteRecord
  /**
   * What the other arm would have taken was measured after the answer: the record as it is from now on. The cloud
   * answered while the model was on its way to this device, and now it is ready.
   */
  readonly measured: RouteRecord
  readonly progress: ModelProgress
  readonly state: { readonly model: string; readonly state: ModelState }
  /**
   * Models were added, replaced or removed, in this tab or in another one: `list` gives another list. `models` has their
   * names; undefined where it may be any.
   */
  readonly models: { readonly models: readonly string[] | undefined }
  /** The device was measured, or another backend was chosen. */
  readonly device: DeviceReport
  /** The link was measured again. */
  readonly link: LinkReport
  /** What the endpoints' operators tell devices has changed. */
  readonly notices: readonly Notice[]
  /** Something was put into the outbox, or left it. */
  readonly outbox: OutboxState
}

/** The records of the client's last requests. They hold nothing of a request's content. */
export interface RoutesLog {
  /** The newest last. */
  list(): readonly RouteRecord[]
  /** One record a line, as JSON: what a tool reads line by line. */
  toJsonLines(): string
  clear(): void
}

/** @see createClient */
export interface Client {
  /**
   * Answers one request, on the arm that is predicted to finish first.
   *
   * @throws {ValidationError} the model is unknown or the inputs do not fit it
   * @throws {NoArmError} no arm could answer (`no-arm`), or none did within `timeoutMs` (`deadline-exceeded`)
   * @throws the signal's reason, untouched, when it aborts
   */
  run(model: string, inputs: RunInputs, options?: RunOptions): Promise<RunResult>
  /**
   * A task: typed in and out, with what comes before and after the model done in a worker.
   *
   * @example
   * ```ts
   * const { answer } = await client.task('face-detection').run(photo)
   * for (const { box, score } of answer.detections) console.log(box.x, box.y, box.width, box.height, score)
   * ```
   * @throws {ValidationError} `options-invalid`: there is no such task
   */
  task<K extends keyof Tasks>(name: K, options?: TaskOptions): Tasks[K]
  /**
   * Begins an answer in text, which comes token by token.
   *
   * @example
   * ```ts
   * const writing = client.generate('tales', { prompt: 'Once upon a time' })
   * for await (const part of writing) if (part.type === 'text') story.textContent += part.text
   * ```
   * @param input a text to go on with, or a conversation
   * @returns its parts, and the whole of it as `done`, which rejects as written there
   */
  generate(model: string, input: GenerateInput, options?: GenerateOptions): Writing
  /** Downloads, verifies and loads a model, so that the next run can be at the edge. */
  prepare(model: string, options?: { readonly signal?: AbortSignal }): Promise<void>
  /**
   * Opens runs of a stateful model, or of several models as one, which keep their state here, on the graphics processor
   * where they run there. Always at the edge.
   *
   * @param session a model whose manifest names its state, or models in order and what is kept between runs
   * @throws {ValidationError} a model is unknown, or a value comes from nowhere
   * @throws {CapabilityError | ModelError | EdgeError} a model cannot be loaded here
   */
  openSession(session: string | SessionOptions, options?: { readonly signal?: AbortSignal }): Promise<ModelSession>
  /**
   * Says where a request would run now, by what is known now. It runs nothing, calls no endpoint and changes no estimate:
   * an endpoint that was never asked is judged by assumptions. Call `refresh` first to have what is known brought up to
   * date.
   */
  explain(model: string, options?: Policy): Promise<RouteExplanation>
  /**
   * Asks the endpoints for what is not known freshly, as a request that may leave the device does: the round trip, whether
   * they have the model, their queue, their operators' notices. For a model that writes, every server of texts is asked anew
   * whether it is there and has the model. Nothing where `privacy` is `edge-only`. Resolves when they
   * have answered or failed to; never rejects while open.
   */
  refresh(model: string, options?: Pick<Policy, 'privacy'>): Promise<void>
  /** The models of the catalogue and of this device. */
  readonly models: ModelsApi
  readonly outbox: OutboxApi
  device(): DeviceReport
  /** Measures the device's backends and the link to each endpoint again. Takes a second or so; never rejects while open. */
  measure(): Promise<void>
  /** The link to the first endpoint. */
  link(): LinkReport
  /**
   * What the endpoints' operators tell devices now: models that are withdrawn and endpoints that are closed, which holds
   * already, and sentences for people. Asked for every 40 s once a request that may leave the device was made.
   */
  notices(): readonly Notice[]
  /** The records of the last thousand requests, for people and as JSON lines. */
  readonly routes: RoutesLog
  /** Calls `listener` at each event; returns a function that stops it. */
  on<K extends keyof ClientEvents>(event: K, listener: (value: ClientEvents[K]) => void): () => void
  /** Ends workers and timers; requests still under way reject with `client-closed`. Idempotent, never rejects. */
  close(): Promise<void>
}
