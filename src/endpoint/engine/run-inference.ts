import type { TensorMap } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { type InferRequest, wantsBinary } from '../../protocol/infer/infer-request.ts'
import { maxClasses } from '../../protocol/tensors/classification.ts'
import { checkAnswerSize, leastSizes } from '../codec/answer-limits.ts'
import type { Codec } from '../codec/codec.ts'
import type { OutputForm } from '../codec/write-answer.ts'
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
  { engine, codec }: { readonly engine: InferEngine; readonly codec: Codec },
  request: {
    readonly model: string
    readonly version?: string | undefined
    /** Its memory is given away. */
    readonly body: Uint8Array<ArrayBuffer>
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
  const asked = await codec.read({ body: request.body, headBytes, specs: model.inputs })
  const { inputs, parameters, id, outputs } = asked
  const expected = model.outputs.filter(({ name }) => outputs === undefined || outputs.some((one) => one.name === name))
  checkAnswerSize(
    leastSizes(expected, rowsOf(inputs, model)),
    toForms(
      expected.map(({ name }) => name),
      asked,
      model,
    ),
  )
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
  const forms = toForms(Object.keys(result.outputs), asked, model)
  checkAnswerSize(
    Object.entries(result.outputs).map(([name, { type, data }]) => ({ name, type, elements: data.length })),
    forms,
  )
  const { body, headers } = await codec.write({
    modelName: model.name,
    ...(model.version === '' ? {} : { modelVersion: model.version }),
    ...(id === undefined ? {} : { id }),
    outputs: result.outputs,
    forms,
    labels: model.manifest?.labels,
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

/** @throws {ValidationError} `options-invalid`: more classes than are given */
function toForms(names: readonly string[], asked: InferRequest, model: ServedModel): Record<string, OutputForm> {
  const forms = names.map((name): [string, OutputForm] => {
    const classes = asked.outputs?.find((output) => output.name === name)?.classes
    if ((classes ?? 0) > maxClasses) {
      throw new ValidationError('options-invalid', `Output ${name}: at most ${maxClasses} classes can be asked for.`)
    }
    const batched = model.outputs.find((each) => each.name === name)?.shape?.[0] === -1
    return [name, { binary: wantsBinary(asked, name), classes, batched }]
  })
  return Object.fromEntries(forms)
}

/** The rows that all inputs with a free first dimension share; undefined where they differ or there are none. */
function rowsOf(inputs: TensorMap, model: ServedModel): number | undefined {
  const free = model.inputs.filter(({ shape = [] }) => shape.length > 1 && shape[0] === -1)
  const [rows, ...others] = free.map(({ name }) => inputs[name]?.dims[0])
  return others.every((each) => each === rows) ? rows : undefined
}
