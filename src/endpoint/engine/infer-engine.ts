import type { Manifest } from '../../contracts/manifest.ts'
import type { TensorMap, TensorSpec } from '../../contracts/tensor.ts'
import type { Parameters } from '../../protocol/infer/infer-request.ts'
import type { Capacity } from '../../protocol/server/capacity.ts'

/** A model as the routes see it, whatever runs it: threads of this process, or an upstream server. */
export interface ServedModel {
  readonly name: string
  /** A revision of the catalogue, or what the upstream calls its version; empty where it names none. */
  readonly version: string
  /** As the protocol names it, like `onnx_onnxv1`. */
  readonly platform: string
  /** Empty when they are not known: a refused model, or an upstream that does not describe it. */
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  /** Absent when it can run; else a sentence for people. */
  readonly unavailable?: string
  /** Where the model comes from a catalogue. */
  readonly manifest?: Manifest
  /** Files that its preprocessing reads, by path; where it runs here. */
  readonly texts?: ReadonlyMap<string, string>
}

/** A request whose model was found. */
export interface EngineRequest {
  readonly model: ServedModel
  /** Checked against the protocol, not against the model. Their memory is given away. */
  readonly inputs: TensorMap
  /** Outputs to give; absent: all. */
  readonly outputs?: readonly string[]
  /** The request's parameters, for an upstream. */
  readonly parameters: Parameters
  readonly id?: string
  /** When the answer must be there, on the clock of `performance.now()`. A request that can't meet it is refused at once. */
  readonly deadlineAtMs?: number
  /** W3C trace context of this request's span, for an upstream to continue. */
  readonly traceparent?: string
}

/** Where the time of one run went, in milliseconds. */
export interface RunTimes {
  /** From the request to the run's start, without making a session. */
  readonly queueMs: number
  /** Making a session for this run; 0 where there was one. */
  readonly loadMs: number
  readonly computeMs: number
  /** Requests that were run together with this one, itself included. */
  readonly batch: number
}

export interface EngineResult extends RunTimes {
  readonly outputs: TensorMap
}

/**
 * Runs models for the routes: a pool of threads, or upstream servers. Every method may be called at any time until
 * `close`.
 */
export interface InferEngine {
  /** All models, those that can't run included. The first of a name is the one that answers without a version. */
  models(): Promise<readonly ServedModel[]>
  /**
   * The model of this name and version; without a version, the one that answers without.
   *
   * @throws {CloudError} `cloud-model-missing`; `cloud-unreachable` when no upstream could be asked
   */
  find(name: string, version?: string): Promise<ServedModel>
  /**
   * Would a request be taken now? Asked before its body is read, so that a refusal costs nothing.
   *
   * @throws {CloudError} `cloud-overloaded`, with `context.retryAfterMs` where it is known
   */
  admit(name: string, version: string | undefined, deadlineAtMs: number | undefined): void
  /**
   * Runs a model.
   *
   * @throws {ValidationError} the inputs are not what the model takes, or it has no such output
   * @throws {CloudError} `cloud-overloaded` as `admit`, `cloud-timeout`, `cloud-failed`, `cloud-unreachable`
   * @throws the signal's reason when it aborts
   */
  infer(request: EngineRequest, signal: AbortSignal): Promise<EngineResult>
  /**
   * Loads a model that is not there, or again one that is: from its folder, or at the upstreams.
   *
   * @throws {CloudError} `cloud-model-missing`, or why it can't be loaded
   */
  load(name: string): Promise<void>
  /** Takes a model out of use once its runs under way have ended. @throws {CloudError} `cloud-model-missing` */
  unload(name: string): Promise<void>
  /** Without `draining`, which the routes add. */
  capacity(): Promise<Omit<Capacity, 'draining' | 'format'>>
  /** May requests come, and is there a model for them? What `GET /v2/health/ready` answers, unless the endpoint is closing. */
  readonly ready: boolean
  /** Where `ready` can't tell: is there a model that it can run? Never rejects. */
  readonly serves?: () => Promise<boolean>
  /** Threads whose run can't be ended: while there is one, only a signal ends the process. */
  readonly stuckThreads: number
  /** Takes no more runs, waits for those under way, and gives its resources back. Idempotent. */
  close(): Promise<void>
}
