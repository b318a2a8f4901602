import type { Tensor } from 'onnxruntime-common'
import type { DeviceReport, LinkReport, ModelProgress } from '../../contracts/measurements.ts'
import type { Backend, ModelState } from '../../contracts/model-state.ts'
import type { Notice } from '../../contracts/notice.ts'
import type { ReportMode } from '../../contracts/report-mode.ts'
import type {
  Prediction,
  Privacy,
  RouteArmPrediction,
  RouteKnowledge,
  RouteReason,
  RouteRecord,
} from '../../contracts/route.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import type { SimulatedNetwork } from '../../network/simulated-network.ts'
import type { OutboxState } from '../../outbox/create-outbox.ts'
import type { Classification } from '../../tasks/decode/classify.ts'
import type { PictureSource } from '../../tasks/pictures/picture-source.ts'
import type { OutboxApi } from '../client-outbox.ts'
import type { RoutesLog } from '../routes-log.ts'
import type { ModelsApi } from './models-types.ts'
import type { ModelSession, SessionOptions } from './session-types.ts'
import type { TaskOptions, Tasks } from './task-types.ts'

/** What requests may spend together; where one comes near its limit, the arm that spends less of it is preferred. */
export interface Budgets {
  /** In the unit of `EndpointOptions.moneyPer1000`. */
  readonly moneyPerHour?: number
  /** Joules that runs here and the radio take, estimated from their times. */
  readonly energyJPerHour?: number
  /** Bytes of requests, answers and downloads. */
  readonly dataBytesPerHour?: number
  /** Second runs on this device that may be in vain, as a share of the requests. Default: tuned, see docs/routing.md. */
  readonly wastedEdgeShare?: number
  /** Second runs at an endpoint that may be in vain, as a share of the requests. */
  readonly wastedCloudShare?: number
}

/** Defaults for every request; a request's own options come first. */
export interface Policy {
  /** Where requests may run. Default `any`. */
  readonly privacy?: Privacy
  /**
   * When an answer is wanted, in milliseconds from the call. It steers the route and ends nothing: a later answer is
   * still given, and its record says that it was late. Default: as soon as can be.
   */
  readonly deadlineMs?: number
  /** Time a request may take, in milliseconds; after it `run` rejects with `deadline-exceeded`. Default: none. */
  readonly timeoutMs?: number
}

/** The client's policy: defaults for requests, and what all of them together may spend. */
export interface ClientPolicy extends Policy {
  readonly budgets?: Budgets
}

export interface EndpointOptions {
  /** Base address of a server that speaks the Open Inference Protocol v2, without the `/v2`. */
  readonly url: string | URL
  /** Asked for a bearer token before a request that needs one; kept in memory only. */
  readonly token?: () => string | Promise<string>
  /** Where it is, for people: shown in a route's record. */
  readonly region?: string
  /** Money for 1,000 requests, for `policy.budgets`. Default 0. */
  readonly moneyPer1000?: number
  /**
   * Seals inputs and outputs to the endpoint's published key, so that proxies and logs on the way see nothing of them.
   * This project's endpoint only. Default false. `keys` has them come from elsewhere, such as the site's own backend:
   * what `/.well-known/hither-keys` answers, as parsed JSON.
   */
  readonly sealed?: boolean | { readonly keys: () => Promise<unknown> }
  /** Gives the W3C `traceparent` that a request is part of; an endpoint of another origin must allow that header. */
  readonly traceparent?: () => string | undefined
}

export interface RuntimeOptions {
  /** Backends that may be used. Default: all that this browser has; which one runs is decided by measuring. */
  readonly backends?: readonly Backend[]
  /** WASM threads. Default: what this browser allows and the processor has, at most 4; 1 where the page is not cross-origin isolated. */
  readonly threads?: number
  /** Memory that loaded models may take together, in bytes; the least recently used ones make room. Default: half of the device's, at most 4 GiB. */
  readonly memoryBytes?: number
  /** Tabs of this origin that ask for the same runtime share one engine, and a model is in memory once. Default true. */
  readonly shareTabs?: boolean
}

/** What to pretend, to see what would happen. Nothing that is learned meanwhile is kept, and nothing is reported. */
export interface SimulationOptions {
  /** No network, or a slower one; for the endpoints, the catalogue and models. */
  readonly network?: SimulatedNetwork
  /** Runs on this device take this many times as long. 1 or more. */
  readonly slowdown?: number
}

/** How models are downloaded and kept. */
export interface StorageOptions {
  /** Bytes that stored models may take together; the least recently used ones that are not pinned make room. Default: what the browser gives. */
  readonly budgetBytes?: number
  /** Encrypts stored models with a key that cannot leave this browser. What that protects from: docs/model-store.md. Default false. */
  readonly encrypt?: boolean
  /** Downloads ahead of need also where the person asked the browser to save data. Default false. */
  readonly downloadOnMetered?: boolean
  /**
   * Fetches a newer revision of a model beside the one that serves, after a request was answered; it serves once it is
   * verified and its canary answered. Not while the browser saves data. Default true.
   */
  readonly autoUpdate?: boolean
  /** Parts of one file fetched at a time, where the server has ranges. Default 4. */
  readonly connections?: number
  /** From a request to its answer, in milliseconds. Default 15,000. */
  readonly firstByteMs?: number
  /** Between two pieces of an answer, in milliseconds. Default 15,000. */
  readonly idleMs?: number
  /** For a whole file, in milliseconds. Default: no limit. */
  readonly totalMs?: number
  /** Bearer tokens for servers of models, by origin; each goes to that origin only, and is kept in memory only. */
  readonly tokens?: Readonly<Record<string, string | (() => string | Promise<string>)>>
}

export interface ClientOptions {
  /** Address of the catalogue, resolved against the page. Default `/models/catalog.json`. */
  readonly catalog?: string | URL
  /** The cloud arm, or several: each request may go to any of them. Without one every request runs at the edge. */
  readonly endpoint?: EndpointOptions | readonly EndpointOptions[]
  readonly policy?: ClientPolicy
  readonly runtime?: RuntimeOptions
  readonly storage?: StorageOptions
  /**
   * What the endpoint is told of requests: their route records (`routes`, the default), the answers too (`results`), or
   * nothing (`none`). Inputs never, and of `edge-only` requests only how many there were.
   */
  readonly report?: ReportMode
  /** Save data, also where the browser was not asked to. Default false. */
  readonly saveData?: boolean
  readonly simulate?: SimulationOptions
}

export interface RunOptions extends Policy {
  readonly signal?: AbortSignal
  /**
   * Hands the tensors' buffers over to the edge instead of copying them: they are empty afterwards, and when the edge
   * fails the cloud cannot be asked. Where the cloud answers, nothing is handed over. Default false.
   */
  readonly transfer?: boolean
  /**
   * Whether a small model that is not sure of its answer has its larger one asked, where its manifest names one. Not with
   * `transfer`. Default true.
   */
  readonly cascade?: boolean
}

/** What a run takes: a picture for a model whose manifest says how to read one, or tensors by input name. */
export type RunInputs = { readonly image: PictureSource } | TensorMap

export interface RunResult {
  /** Tensors by output name. */
  readonly outputs: Readonly<Record<string, Tensor>>
  /** The outputs as an answer, for a model whose manifest names its task. */
  readonly answer?: Classification
  readonly route: RouteRecord
}

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
  /** The larger model that is asked where this one's confidence is below `minConfidence`. */
  readonly cascade?: { readonly large: string; readonly minConfidence: number }
}

export interface ClientEvents {
  /** A request was answered. */
  readonly route: RouteRecord
  readonly progress: ModelProgress
  readonly state: { readonly model: string; readonly state: ModelState }
  /** The device was measured, or another backend was chosen. */
  readonly device: DeviceReport
  /** The link was measured again. */
  readonly link: LinkReport
  /** What the endpoints' operators tell devices has changed. */
  readonly notices: readonly Notice[]
  /** Something was put into the outbox, or left it. */
  readonly outbox: OutboxState
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
  /** Says where a request would run now, without running it. */
  explain(model: string, options?: Policy): Promise<RouteExplanation>
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
