import * as v from 'valibot'
import { object } from '../../contracts/object-schemas.ts'
import type { TensorData, TensorMap } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { readJsonHead } from '../json/read-json-head.ts'
import type { JsonLimits } from '../json/scan-json.ts'
import { elementCount } from '../tensors/element-count.ts'
import {
  checkWire,
  optionalParametersSchema,
  parseTensors,
  wireNameSchema,
  wireTensorsSchema,
} from '../tensors/parse-tensors.ts'
import { type BinaryChoice, type EncodedBody, encodeBody } from './encode-body.ts'

export type Parameters = Readonly<Record<string, string | number | boolean>>

/** An output that a request asks for; `binary` where it says how it is to be sent. */
export interface RequestedOutput {
  readonly name: string
  readonly binary?: boolean
  /** So many of its highest values as text instead of the tensor: the classification extension. */
  readonly classes?: number
}

/** An inference request of the Open Inference Protocol v2. */
export interface InferRequest {
  readonly id?: string
  readonly inputs: TensorMap
  /** Outputs to send; absent: all. */
  readonly outputs?: readonly RequestedOutput[]
  /** Are outputs binary that do not say so themselves? */
  readonly binaryOutputs: boolean
  readonly parameters: Parameters
}

const idSchema = v.pipe(v.string(), v.maxLength(1000))

/** Most inputs, and most outputs, that one request may name. */
const maxTensors = 1000

/** What a request's JSON may hold: 64 MiB of numbers, and texts that can be handed to a thread at once. */
export const requestLimits: JsonLimits = {
  values: 2 ** 24,
  arrays: 2 ** 20,
  texts: 100_000,
  textBytes: 8 * 2 ** 20,
  others: 50_000,
  otherBytes: 2 ** 20,
}

// `null` stands for "absent" in requests of clients that are written in Python.
const requestSchema = object({
  id: v.nullish(idSchema),
  parameters: optionalParametersSchema,
  inputs: v.pipe(wireTensorsSchema, v.maxLength(maxTensors)),
  outputs: v.nullish(
    v.pipe(v.array(object({ name: wireNameSchema, parameters: optionalParametersSchema })), v.maxLength(maxTensors)),
  ),
})

/** What `encodeInferRequest` writes. */
export interface RequestToEncode {
  readonly inputs: TensorMap
  readonly id?: string | undefined
  readonly outputs?: readonly RequestedOutput[] | undefined
  readonly parameters?: Parameters | undefined
  readonly binary: BinaryChoice
  readonly binaryOutputs?: boolean | undefined
}

/**
 * Writes a request's body. All outputs are asked for unless some are named.
 *
 * @param options.binary which inputs are sent as binary data. Unless it is false, 64-bit integers and float16 always
 *   are (JSON numbers do not hold the first, few servers read the second), and outputs are asked for as binary data.
 * @throws {ValidationError} an input's data does not fit its type and dimensions, or can't be carried in JSON
 */
export function encodeInferRequest(options: RequestToEncode): EncodedBody {
  const { inputs, id, outputs, binary, binaryOutputs = binary !== false } = options
  const parameters = { ...options.parameters, ...(binaryOutputs ? { binary_data_output: true } : {}) }
  const head = {
    ...(id === undefined ? {} : { id }),
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
    ...(outputs === undefined ? {} : { outputs: outputs.map(toWireOutput) }),
  }
  const choice: BinaryChoice =
    typeof binary === 'boolean' ? binary : (name, tensor) => needsBinary(tensor) || binary(name, tensor)
  return encodeBody(head, 'inputs', inputs, choice)
}

const needsBinary = ({ type }: TensorData): boolean => type === 'int64' || type === 'uint64' || type === 'float16'

const toWireOutput = ({ name, binary, classes }: RequestedOutput) => {
  const parameters = {
    ...(binary === undefined ? {} : { binary_data: binary }),
    ...(classes === undefined ? {} : { classification: classes }),
  }
  return { name, ...(Object.keys(parameters).length === 0 ? {} : { parameters }) }
}

/**
 * Reads a request's body.
 *
 * @param headBytes what `Inference-Header-Content-Length` says; undefined when the request has no such header
 * @throws {ValidationError} with a sentence that says what does not fit
 */
export function parseInferRequest(body: Uint8Array, headBytes?: number): InferRequest {
  const head = readJsonHead(body, headBytes, requestLimits)
  const { id, parameters, inputs, outputs } = checkWire(requestSchema, head.json)
  if (inputs.length === 0) throw new ValidationError('input-missing', 'The request has no inputs.')
  const names = outputs?.map(({ name }) => name) ?? []
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new ValidationError('options-invalid', `The output ${twice} is asked for twice.`)
  for (const { name, parameters } of [...inputs, ...(outputs ?? [])]) checkParameters(parameters, `Tensor ${name}: `)
  checkParameters(parameters)
  for (const { name, datatype, shape, parameters } of inputs) {
    if (datatype === 'BYTES') checkTextSize(name, elementCount(shape) ?? 0, parameters?.binary_data_size ?? 0)
  }
  return {
    ...(typeof id === 'string' ? { id } : {}),
    parameters,
    binaryOutputs: toFlag(parameters, 'binary_data_output') ?? false,
    inputs: parseTensors(inputs, body, head, headBytes),
    ...(!outputs || outputs.length === 0 ? {} : { outputs: outputs.map(toRequestedOutput) }),
  }
}

/** Texts that come as binary data, within the limits of those that come as JSON. @throws {ValidationError} `input-values` */
export function checkTextSize(name: string, texts: number, bytes: number): void {
  const { texts: most, textBytes } = requestLimits
  if (texts <= most && bytes - 4 * texts <= textBytes) return
  throw new ValidationError(
    'input-values',
    `Tensor ${name}: at most ${most} texts of together ${textBytes} bytes are taken.`,
  )
}

/** From here on a number is no 64-bit integer, but one with a fraction's precision by nature. */
const beyondIntegers = 2 ** 64

/**
 * Refuses parameters that would be ignored or changed. Shared memory: the client would go on to read old memory (source:
 * Triton's shared memory extensions). Whole numbers beyond 2⁵³, such as a `sequence_id`: the parser has rounded them to
 * another one.
 */
function checkParameters(parameters: object | null | undefined, where = 'The request: '): void {
  for (const [key, value] of Object.entries(parameters ?? {})) {
    if (key.startsWith('shared_memory_') && value !== null) {
      throw new ValidationError(
        'options-invalid',
        `${where}shared memory is not supported (${key}); send and ask for tensors in the body.`,
      )
    }
    const isRounded = Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) <= beyondIntegers
    if (typeof value === 'number' && (isRounded || !Number.isFinite(value))) {
      const name = key.slice(0, 100)
      throw new ValidationError(
        'options-invalid',
        `${where}the parameter ${name} is a number that JSON does not carry exactly; send it as text.`,
      )
    }
  }
}

function toRequestedOutput({ name, parameters }: { name: string; parameters: Parameters }): RequestedOutput {
  const binary = toFlag(parameters, 'binary_data')
  const { classification: classes } = parameters
  if (classes !== undefined && !(typeof classes === 'number' && Number.isSafeInteger(classes) && classes >= 0)) {
    throw new ValidationError('options-invalid', `Output ${name}: classification must be a whole number.`)
  }
  // Triton takes 0 for "the tensor itself".
  return { name, ...(binary === undefined ? {} : { binary }), ...(classes ? { classes } : {}) }
}

function toFlag(parameters: Parameters, name: string): boolean | undefined {
  const value = parameters[name]
  if (value === undefined || typeof value === 'boolean') return value
  throw new ValidationError('options-invalid', `The parameter ${name} must be true or false.`)
}

/** How a request wants an output: what the output says of itself comes before what the request says of all. */
export const wantsBinary = ({ outputs, binaryOutputs }: InferRequest, name: string): boolean =>
  outputs?.find((output) => output.name === name)?.binary ?? binaryOutputs
