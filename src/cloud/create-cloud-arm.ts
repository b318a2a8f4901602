import type { TensorMap } from '../contracts/tensor.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { encodeInferRequest } from '../protocol/infer-request.ts'
import { withDeadline } from '../utils/with-deadline.ts'
import { toBaseUrl } from './base-url.ts'
import { createBinarySupport } from './binary-support.ts'
import { createSendRequest } from './cloud-request.ts'
import { createHasModel } from './has-model.ts'
import { type CloudTiming, readOutputs, readTiming } from './read-answer.ts'

export interface CloudRunOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds for the whole run, attempts and all. Default 30,000. */
  readonly timeoutMs?: number
  /** Sent along, and expected back where the server gives one back. */
  readonly id?: string
  /** Outputs to ask for. Default: all. */
  readonly outputs?: readonly string[]
}

export interface CloudResult {
  readonly outputs: TensorMap
  readonly timing: CloudTiming
  readonly requestBytes: number
  readonly responseBytes: number
}

export interface CloudArm {
  /**
   * Runs a model on the endpoint.
   *
   * @throws {CloudError} with `context.status` where the endpoint answered
   * @throws {ValidationError} an input's data does not fit its type and shape, or the server takes JSON only and JSON
   *   can't carry it
   * @throws the signal's reason when it aborts
   */
  run(model: string, inputs: TensorMap, options?: CloudRunOptions): Promise<CloudResult>
  /**
   * Does the endpoint have this model, ready to run?
   *
   * @throws {CloudError} the endpoint could not be reached, or failed
   */
  hasModel(model: string, options?: { readonly signal?: AbortSignal }): Promise<boolean>
  /**
   * Measures the round trip: the smallest request there is. The first one on a new connection also pays for opening it.
   *
   * @throws {CloudError} the endpoint could not be reached, or failed
   */
  ping(options?: { readonly signal?: AbortSignal }): Promise<{ readonly roundTripMs: number }>
}

/** Statuses of servers that do not take binary tensors: bad request, unsupported media type, FastAPI's validation. */
const noBinaryStatuses: readonly unknown[] = [400, 415, 422]

const defaultTimeoutMs = 30_000

/** Milliseconds for a question that is answered without computing anything. */
const questionTimeoutMs = 10_000

/**
 * The cloud arm: runs models on a server that speaks the Open Inference Protocol v2 (this project's endpoint, KServe,
 * Triton, MLServer, OpenVINO).
 *
 * @param options.url base address, without the `/v2`
 * @param options.token asked for a bearer token before each request
 * @param options.now milliseconds that never go back
 * @throws {ConfigError} the address can't be one
 */
export function createCloudArm(options: {
  readonly url: string | URL
  readonly token?: (() => string | Promise<string>) | undefined
  readonly fetch?: typeof globalThis.fetch
  readonly now?: () => number
  /** Answers longer than this are refused. Default 256 MiB. */
  readonly maxResponseBytes?: number
}): CloudArm {
  const {
    url,
    token,
    fetch = (input, init) => globalThis.fetch(input, init),
    now = () => performance.now(),
    maxResponseBytes = 256 * 1024 * 1024,
  } = options
  const send = createSendRequest({ baseUrl: toBaseUrl(url), token, fetch, now, nowDate: () => Date.now() })
  const support = createBinarySupport(send)
  const hasModel = createHasModel(send)

  const infer = async (
    model: string,
    inputs: TensorMap,
    options: CloudRunOptions,
    how: { readonly binary: boolean; readonly signal: AbortSignal },
  ): Promise<CloudResult> => {
    const { binary, signal } = how
    const outputs = options.outputs?.map((name) => ({ name }))
    const { body, headers } = encodeInferRequest({ inputs, id: options.id, outputs, binary })
    const path = `/v2/models/${encodeURIComponent(model)}/infer`
    const answer = await send({ path, method: 'POST', headers, body, limitBytes: maxResponseBytes, signal })
    const sizes = { requestBytes: body.length, responseBytes: answer.body.length }
    return { outputs: readOutputs(answer, options), timing: readTiming(answer), ...sizes }
  }

  return {
    run: (model, inputs, options = {}) =>
      within(options.timeoutMs ?? defaultTimeoutMs, options.signal, async (signal) => {
        const known = await support.known(signal)
        if (known !== undefined) return infer(model, inputs, options, { binary: known, signal })
        try {
          const result = await infer(model, inputs, options, { binary: true, signal })
          support.learn(true)
          return result
        } catch (error) {
          if (!(error instanceof CloudError) || error.code !== 'cloud-refused') throw error
          if (!noBinaryStatuses.includes(error.context.status)) throw error
          const result = await infer(model, inputs, options, { binary: false, signal })
          support.learn(false)
          return result
        }
      }),

    hasModel: (model, { signal } = {}) =>
      within(questionTimeoutMs, signal, (limited) => {
        // Asked beside it, so that the first run need not wait to learn it.
        support.known(limited).catch(() => {})
        return hasModel(model, limited)
      }),

    ping: ({ signal } = {}) =>
      within(questionTimeoutMs, signal, async (limited) => {
        // Without a token it needs no preflight, which would be a second round trip.
        const { headersMs } = await send({
          path: '/v2/health/live',
          authorized: false,
          // A server that lacks the path, or wants a token, has answered all the same.
          accepts: (status) => status < 500,
          limitBytes: 64 * 1024,
          signal: limited,
        })
        return { roundTripMs: headersMs }
      }),
  }
}

function within<T>(ms: number, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const onDeadline = () =>
    new CloudError('cloud-timeout', `The endpoint did not answer within ${ms / 1000} seconds.`, {
      context: { timeoutMs: ms },
    })
  return withDeadline(work, { ms, signal, onDeadline })
}
