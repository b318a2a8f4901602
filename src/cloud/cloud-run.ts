import type { TensorMap } from '../contracts/tensor.ts'
import { CloudError } from '../errors/cloud-error.ts'
import type { EncodedBody } from '../protocol/infer/encode-body.ts'
import type { Parameters, RequestToEncode } from '../protocol/infer/infer-request.ts'
import { timeoutHeader } from '../protocol/server/metadata.ts'
import { lazy } from '../utils/lazy.ts'
import type { SendRequest } from './cloud-request.ts'
import { compressWherePays } from './compress-body.ts'
import { modelPath } from './model-path.ts'
import type { ParseResponse } from './read-answer.ts'
import type { JoinChunks } from './read-body.ts'
import { type CloudTiming, readTiming, wireBytes } from './read-timing.ts'
import type { FactsOfServer, ServerFacts } from './server-facts.ts'

export interface CloudRunOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds for the whole run, attempts and all. Default 30,000. */
  readonly timeoutMs?: number
  /** Sent along, and expected back where the server gives one back. */
  readonly id?: string
  /** Outputs to ask for. Default: all. */
  readonly outputs?: readonly string[]
  /** The model's version. Default: the one that the server answers with; a server without versions refuses any. */
  readonly version?: string
  /** The request's parameters, as the server knows them. `timeout` is added where the server reads one. */
  readonly parameters?: Parameters
  /** Speed of the way up, which decides whether gzip pays. Absent: unknown; infinite: it never does. */
  readonly uplinkBitsPerSecond?: number | undefined
  /** Headers to send along, such as `traceparent`. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface CloudResult {
  readonly outputs: TensorMap
  readonly timing: CloudTiming
  /** As they went over the wire, after compression. */
  readonly requestBytes: number
  readonly responseBytes: number
}

/** How bodies are written and read where that must not hold up its thread; else all is done in one go. */
export interface CloudCodec {
  /** The tensors stay as they are. */
  encodeRequest(request: RequestToEncode): EncodedBody | Promise<EncodedBody>
  /** The body's memory is given away. */
  readonly parseResponse: ParseResponse
  readonly join: JoinChunks
}

/** One run of a model, in the form that the server takes; it ends with the signal. */
export type CloudRun = (
  model: string,
  inputs: TensorMap,
  options: CloudRunOptions,
  signal: AbortSignal,
) => Promise<CloudResult>

/** Statuses of servers that do not take binary tensors: bad request, unsupported media type, FastAPI's validation. */
const noBinaryStatuses: readonly unknown[] = [400, 415, 422]
/** Statuses of servers that do not take compressed bodies. */
const noGzipStatuses: readonly unknown[] = [400, 415]

/**
 * Runs models in the form that the server takes. A form that it refuses is replaced by the plain one, and not tried
 * again once that went through.
 */
export function createCloudRun(options: {
  readonly send: SendRequest
  readonly server: FactsOfServer
  /** Do tensors travel as binary data? Default: where the server takes it. */
  readonly binary: boolean | undefined
  readonly traceparent: (() => string | undefined) | undefined
  readonly maxResponseBytes: number
  readonly now: () => number
  readonly codec: CloudCodec | undefined
}): CloudRun {
  const { send, server, binary, traceparent, maxResponseBytes, now, codec: own } = options
  const codec = lazyTensorCodec(own)

  const infer = async (
    model: string,
    inputs: TensorMap,
    options: CloudRunOptions,
    how: { readonly binary: boolean; readonly facts: ServerFacts; readonly signal: AbortSignal },
  ): Promise<CloudResult> => {
    const { binary, facts, signal } = how
    const outputs = options.outputs?.map((name) => ({ name }))
    // Microseconds, as Triton counts it; a server that can't be done by then need not begin.
    const timeout =
      facts.timeout && options.timeoutMs !== undefined ? { timeout: Math.round(options.timeoutMs * 1000) } : {}
    const parameters = { ...timeout, ...options.parameters }
    const { encodeRequest, readOutputs } = codec.peek() ?? (await codec.get())
    const { body, headers } = await encodeRequest({ inputs, id: options.id, outputs, parameters, binary })
    const path = `${modelPath(model, options.version)}/infer`
    const post = async (body: Uint8Array<ArrayBuffer>, more: Readonly<Record<string, string>>) => {
      const trace = traceparent?.()
      const waits = facts.kind === 'hither' && options.timeoutMs !== undefined
      const all = {
        ...options.headers,
        ...headers,
        ...more,
        ...(trace === undefined ? {} : { traceparent: trace }),
        // Beside the parameter in the body: so that a request that would come too late is refused unread.
        ...(waits ? { [timeoutHeader]: String(Math.ceil(options.timeoutMs ?? 0)) } : {}),
      }
      const answer = await send({ path, method: 'POST', headers: all, body, limitBytes: maxResponseBytes, signal })
      const sizes = { requestBytes: body.length, responseBytes: wireBytes(answer) }
      return { outputs: await readOutputs(answer, options, own?.parseResponse), timing: readTiming(answer), ...sizes }
    }
    const { uplinkBitsPerSecond: bitsPerSecond } = options
    const packed =
      facts.gzip && bitsPerSecond !== Number.POSITIVE_INFINITY
        ? await compressWherePays(body, { bitsPerSecond, now })
        : undefined
    if (packed === undefined) return post(body, {})
    try {
      return await post(packed, { 'Content-Encoding': 'gzip' })
    } catch (error) {
      if (!isRefusal(error, noGzipStatuses)) throw error
      const result = await post(body, {})
      server.learn({ gzip: false })
      return result
    }
  }

  return async (model, inputs, options, signal) => {
    const known = await server.known(signal)
    const facts = binary === undefined ? known : { ...known, binary }
    if (facts.binary !== undefined) return infer(model, inputs, options, { binary: facts.binary, facts, signal })
    try {
      const result = await infer(model, inputs, options, { binary: true, facts, signal })
      server.learn({ binary: true })
      return result
    } catch (error) {
      if (!isRefusal(error, noBinaryStatuses)) throw error
      const result = await infer(model, inputs, options, { binary: false, facts, signal })
      server.learn({ binary: false })
      return result
    }
  }
}

/** Writes requests and reads answers; fetched with the first run. Without it the endpoint counts as unreachable. */
const lazyTensorCodec = (own: CloudCodec | undefined) =>
  lazy(
    async () => {
      const [{ encodeInferRequest }, { readOutputs }] = await Promise.all([
        import('../protocol/infer/infer-request.ts'),
        import('./read-answer.ts'),
      ])
      return { encodeRequest: own?.encodeRequest ?? encodeInferRequest, readOutputs }
    },
    (cause) =>
      new CloudError('cloud-unreachable', 'A part of this page that asks the endpoint could not be fetched.', {
        cause,
      }),
  )

const isRefusal = (error: unknown, statuses: readonly unknown[]): boolean =>
  error instanceof CloudError && error.code === 'cloud-refused' && statuses.includes(error.context.status)
