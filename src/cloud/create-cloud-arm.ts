import type { Notice } from '../contracts/notice.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { capacityPath, probePath } from '../protocol/server/capacity.ts'
import { lazy } from '../utils/lazy.ts'
import { withDeadline } from '../utils/with-deadline.ts'
import { toBaseUrl } from './base-url.ts'
import { createSendRequest } from './cloud-request.ts'
import { type CloudCodec, type CloudResult, type CloudRunOptions, createCloudRun } from './cloud-run.ts'
import type { ListedModel, ModelDescription } from './describe-model.ts'
import { createHasModel } from './has-model.ts'
import { type CapacitySaid, readCapacity } from './read-capacity.ts'
import { type CloudTiming, readTiming } from './read-timing.ts'
import type { SealedFetchOptions } from './sealed-fetch.ts'
import { createServerFacts, type ServerFacts } from './server-facts.ts'

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
  /**
   * The endpoint's own word on its queue and speed; undefined where it can't be read.
   *
   * @throws {CloudError} the endpoint could not be reached, failed, or has none
   */
  capacity(options?: { readonly signal?: AbortSignal }): Promise<CapacitySaid | undefined>
  /**
   * Measures the way up: sends bytes that mean nothing to an endpoint that drops them and answers at once.
   *
   * @throws {CloudError} as `capacity`; also from a server that takes no probes
   */
  probe(bytes: number, options?: { readonly signal?: AbortSignal }): Promise<CloudTiming>
  /**
   * What the endpoint's operator tells devices; undefined from a server that has no such thing.
   *
   * @throws {CloudError} as `capacity`
   */
  notices(options?: { readonly signal?: AbortSignal }): Promise<readonly Notice[] | undefined>
  /** What the server is known to take; asks it the first time. Never fails for its silence: then little is known. */
  facts(options?: { readonly signal?: AbortSignal }): Promise<ServerFacts>
  /** @throws {CloudError} `cloud-model-missing`; the endpoint could not be reached, or failed */
  describe(model: string, options?: { readonly signal?: AbortSignal }): Promise<ModelDescription>
  /**
   * The models that the endpoint has; undefined where it has no list of them.
   *
   * @throws {CloudError} the endpoint could not be reached, or failed
   */
  list(options?: { readonly signal?: AbortSignal }): Promise<readonly ListedModel[] | undefined>
}

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
  readonly fetch?: typeof globalThis.fetch | undefined
  readonly now?: () => number
  /** Seal requests to the endpoint's key, so that nobody between can read them: this project's endpoint only. */
  readonly sealed?: boolean | { readonly keys: () => Promise<unknown> } | undefined
  /** Asked before each run for the W3C trace context that it belongs to; a server of another origin must allow the header. */
  readonly traceparent?: (() => string | undefined) | undefined
  /** Do tensors travel as binary data? Default: where the server takes it. */
  readonly binary?: boolean
  /** Answers longer than this are refused. Default 256 MiB. */
  readonly maxResponseBytes?: number
  /** Writes and reads bodies, for a server that has others to answer meanwhile. */
  readonly codec?: CloudCodec
}): CloudArm {
  const { url, token, binary, sealed = false, traceparent, codec, now = () => performance.now() } = options
  const { maxResponseBytes = 256 * 1024 * 1024 } = options
  const baseUrl = toBaseUrl(url)
  const plain: typeof globalThis.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const keys = typeof sealed === 'object' ? sealed.keys : undefined
  const fetch = sealed === false ? plain : lazySealedFetch({ baseUrl, fetch: plain, keys })
  const send = createSendRequest({ baseUrl, token, fetch, now, nowDate: () => Date.now(), join: codec?.join })
  const server = createServerFacts(send)
  const hasModel = createHasModel(send)
  const run = createCloudRun({ send, server, binary, traceparent, maxResponseBytes, now, codec })

  return {
    run: (model, inputs, options = {}) =>
      within(options.timeoutMs ?? defaultTimeoutMs, options.signal, (signal) => run(model, inputs, options, signal)),

    hasModel: (model, { signal } = {}) =>
      within(questionTimeoutMs, signal, (limited) => {
        // Asked beside it, so that the first run need not wait to learn it.
        server.known(limited).catch(() => {})
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

    capacity: ({ signal } = {}) =>
      within(questionTimeoutMs, signal, async (limited) => {
        const { body } = await send({ path: capacityPath, limitBytes: 1024 * 1024, signal: limited })
        try {
          return readCapacity(JSON.parse(new TextDecoder().decode(body)))
        } catch {
          return undefined
        }
      }),

    probe: (bytes, { signal } = {}) =>
      within(questionTimeoutMs, signal, async (limited) => {
        const body = crypto.getRandomValues(new Uint8Array(bytes))
        const headers = { 'Content-Type': 'text/plain' } // no preflight for it
        const accepts = (status: number) => status === 204
        const sent = { path: probePath, method: 'POST', headers, body, authorized: false, accepts } as const
        return readTiming(await send({ ...sent, limitBytes: 1024, signal: limited }))
      }),

    // Fetched when it is first needed: the first answer does not wait for it.
    notices: async ({ signal } = {}) => {
      const { readNotices } = await import('./read-notices.ts')
      return within(questionTimeoutMs, signal, (limited) => readNotices(send, limited))
    },

    facts: ({ signal } = {}) => within(questionTimeoutMs, signal, (limited) => server.known(limited)),
    describe: (model, { signal } = {}) =>
      within(questionTimeoutMs, signal, async (limited) =>
        (await import('./describe-model.ts')).describeModel(send, model, limited),
      ),
    list: ({ signal } = {}) =>
      within(questionTimeoutMs, signal, async (limited) =>
        (await import('./describe-model.ts')).listModels(send, limited),
      ),
  }
}

/** Seals what is posted; its code is fetched with the first request. */
function lazySealedFetch(options: SealedFetchOptions): typeof globalThis.fetch {
  const sealed = lazy(async () => (await import('./sealed-fetch.ts')).createSealedFetch(options))
  return async (input, init) => (await sealed.get())(input, init)
}

function within<T>(ms: number, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const onDeadline = () =>
    new CloudError('cloud-timeout', `The endpoint did not answer within ${Math.round(ms / 100) / 10} seconds.`, {
      context: { timeoutMs: ms },
    })
  return withDeadline(work, { ms, signal, onDeadline })
}
