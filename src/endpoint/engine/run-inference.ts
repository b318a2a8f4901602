import type { TensorMap } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { type InferRequest, parseInferRequest, wantsBinary } from '../../protocol/infer/infer-request.ts'
import { encodeInferResponse } from '../../protocol/infer/infer-response.ts'
import { parseRawRequest } from '../../protocol/infer/raw-request.ts'
import { maxClasses, toClasses } from '../../protocol/tensors/classification.ts'
import type { InferEngine, RunTimes, ServedModel } from './infer-engine.ts'

/** Where the time of one request went, in milliseconds. */
export interface InferenceTimes extends RunTimes {
  readonly decodeMs: number
  readonly encodeMs: number
  /** From the whole body to the answer: a slow upload is not counted. */
  readonly totalMs: number
}

export interface InferenceAnswer {
  readonly model: ServedModel
  readonly body: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
  readonly times: InferenceTimes
}

/**
 * Answers the body of an inference request.
 *
 * @param request.headBytes what `Inference-Header-Content-Length` says; 0 for a body that is one tensor's bytes alone
 * @param request.timeoutMs how long the client waits from `arrivedAtMs`; the body's own parameter `timeout`, in
 *   microseconds, may say it too, and the shorter one holds
 * @throws {ValidationError} the body does not fit the protocol or the model
 * @throws {CloudError} as the engine
 */
export async function runInference(
  engine: InferEngine,
  request: {
    readonly model: string
    readonly version?: string | undefined
    readonly body: Uint8Array
    readonly headBytes?: string | string[] | undefined
    readonly arrivedAtMs: number
    readonly timeoutMs?: number | undefined
    readonly traceparent?: string | undefined
    readonly signal: AbortSignal
  },
): Promise<InferenceAnswer> {
  const { arrivedAtMs, signal, traceparent } = request
  const startMs = performance.now()
  const model = await engine.find(request.model, request.version)
  const headBytes = toHeadBytes(request.headBytes)
  const asked =
    headBytes === 0 ? parseRawRequest(request.body, model.inputs) : parseInferRequest(request.body, headBytes)
  const { inputs, parameters, id, outputs } = asked
  const timeoutMs = Math.min(
    request.timeoutMs ?? Number.POSITIVE_INFINITY,
    timeoutOf(asked) ?? Number.POSITIVE_INFINITY,
  )
  const decodedMs = performance.now()
  const result = await engine.infer(
    {
      model,
      inputs,
      parameters,
      ...(id === undefined ? {} : { id }),
      ...(outputs === undefined ? {} : { outputs: outputs.map(({ name }) => name) }),
      ...(timeoutMs === Number.POSITIVE_INFINITY ? {} : { deadlineAtMs: arrivedAtMs + timeoutMs }),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    signal,
  )
  const doneMs = performance.now()
  const { body, headers } = encodeInferResponse({
    modelName: model.name,
    ...(model.version === '' ? {} : { modelVersion: model.version }),
    ...(id === undefined ? {} : { id }),
    outputs: classify(result.outputs, asked, model),
    binary: (name) => wantsBinary(asked, name),
  })
  const endMs = performance.now()
  return { model, body, headers, times: toTimes(result, { startMs, decodedMs, doneMs, endMs }) }
}

function toTimes(
  { queueMs, loadMs, computeMs, batch }: RunTimes,
  at: { readonly startMs: number; readonly decodedMs: number; readonly doneMs: number; readonly endMs: number },
): InferenceTimes {
  const { startMs, decodedMs, doneMs, endMs } = at
  const parts = { decodeMs: decodedMs - startMs, encodeMs: endMs - doneMs, totalMs: endMs - startMs }
  return { queueMs, loadMs, computeMs, batch, ...parts }
}

function toHeadBytes(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header)
  throw new ValidationError('options-invalid', 'Inference-Header-Content-Length must be one whole number.')
}

/** The parameter `timeout` is in microseconds, as Triton has it; 0 stands for none. */
function timeoutOf({ parameters: { timeout } }: InferRequest): number | undefined {
  if (timeout === undefined || timeout === 0) return undefined
  if (typeof timeout === 'number' && Number.isSafeInteger(timeout) && timeout > 0) return timeout / 1000
  throw new ValidationError('options-invalid', 'The parameter timeout must be a whole number of microseconds.')
}

function classify(outputs: TensorMap, asked: InferRequest, model: ServedModel): TensorMap {
  const wanted = asked.outputs?.filter(({ classes }) => classes !== undefined) ?? []
  if (wanted.length === 0) return outputs
  const classes = wanted.map(({ name, classes: count = 0 }) => {
    if (count > maxClasses) {
      throw new ValidationError('options-invalid', `Output ${name}: at most ${maxClasses} classes can be asked for.`)
    }
    const tensor = outputs[name]
    if (tensor === undefined) throw new ValidationError('options-invalid', `The model has no output ${name}.`)
    const batched = tensor.dims.length > 1 && model.outputs.find((each) => each.name === name)?.shape?.[0] === -1
    return [name, toClasses(tensor, { count, batched, labels: model.manifest?.labels })] as const
  })
  return { ...outputs, ...Object.fromEntries(classes) }
}
