import * as v from 'valibot'
import { looseObject, object } from '../../contracts/object-schemas.ts'
import type { TensorData, TensorMap } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { withoutNulls } from '../../utils/without-nulls.ts'
import type { JsonHead } from '../json/read-json-head.ts'
import { isJsonSpace } from '../json/scan-json.ts'
import { fromDatatype } from './datatypes.ts'
import { elementCount } from './element-count.ts'
import { fromTensorBytes } from './tensor-bytes.ts'
import { fromTensorJson } from './tensor-json.ts'

/** A tensor's, a model's or a parameter's name. `__proto__` is refused: someone may use it as a key. */
export const wireNameSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(1000),
  v.check((name) => name !== '__proto__', 'a name can not be __proto__'),
)

/** Servers know some ten; tens of thousands would be checked for as long as a small model runs. */
const maxParameters = 1000

/** A list would pass for a record, hence the check. A parameter that is null is left out, as if it were not there. */
const parametersSchema = v.pipe(
  v.custom<object>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be an object',
  ),
  v.check((parameters) => Object.keys(parameters).length <= maxParameters, `more than ${maxParameters} parameters`),
  v.transform((parameters) => withoutNulls(parameters) as object),
  v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
)

/** `null` stands for "absent" in requests of clients that are written in Python. */
export const optionalParametersSchema = v.nullish(parametersSchema, {})

// An array of numbers is checked when it becomes a tensor; item by item here would be the slowest part of a request.
// `null` stands for "absent" at servers that are written in Python.
const wireTensorSchema = object({
  name: wireNameSchema,
  datatype: v.string(),
  shape: v.array(v.number()),
  parameters: v.nullish(
    looseObject({ binary_data_size: v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(0))) }),
  ),
  data: v.nullish(v.custom<readonly unknown[]>(Array.isArray, 'data must be an array')),
})

type WireTensor = v.InferOutput<typeof wireTensorSchema>

export const wireTensorsSchema = v.array(wireTensorSchema)

const codeOf = { shape: 'input-shape', datatype: 'input-type', data: 'input-values' } as const

/** Checks JSON of a request or an answer against its schema. @throws {ValidationError} with the place that does not fit */
export function checkWire<S extends v.GenericSchema>(schema: S, json: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, json, { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  const path = v.getDotPath(issue) ?? 'body'
  const key = Object.keys(codeOf).find((name) => path.split('.').includes(name)) as keyof typeof codeOf | undefined
  throw new ValidationError(key === undefined ? 'options-invalid' : codeOf[key], `${path}: ${issue.message}.`)
}

/**
 * The tensors that JSON and binary data of a body describe.
 *
 * @param headBytes what `Inference-Header-Content-Length` says, when it was read
 * @throws {ValidationError} a name twice, an unknown datatype, a shape that is not possible or does not fit the data,
 *   both or neither of `data` and `binary_data_size`, sizes that do not add up to the body
 */
export function parseTensors(
  wire: readonly WireTensor[],
  body: Uint8Array,
  head: JsonHead,
  headBytes: number | undefined,
): TensorMap {
  const total = wire.reduce((sum, { parameters }) => sum + (parameters?.binary_data_size ?? 0), 0)
  let at = tailStart(body, head, headBytes, total)
  const seen = new Set<string>()
  const tensors = wire.map((tensor): [string, TensorData] => {
    const { name } = tensor
    if (seen.has(name)) throw new ValidationError('input-unexpected', `The tensor ${name} is there twice.`)
    seen.add(name)
    const bytes = tensor.parameters?.binary_data_size ?? undefined
    const from = at
    at += bytes ?? 0
    try {
      return [name, parseTensor(tensor, bytes === undefined ? undefined : body.subarray(from, at))]
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
      throw new ValidationError(error.code as 'input-shape', `Tensor ${name}: ${error.message}`, { cause: error.cause })
    }
  })
  return Object.fromEntries(tensors)
}

/** White space behind the JSON that is looked through. */
const maxSpace = 64 * 1024

/**
 * Without the header, binary data starts right behind the last brace. White space there could be padding or data: who
 * would take it for padding would read a body that was cut short shifted, and not notice.
 */
function tailStart(body: Uint8Array, { endBytes }: JsonHead, headBytes: number | undefined, total: number): number {
  const start = body.length - total
  const onlySpace = total === 0 && start - endBytes <= maxSpace && body.subarray(endBytes).every(isJsonSpace)
  const fits = headBytes === undefined ? onlySpace || start === endBytes : start === headBytes
  if (fits) return start
  throw new ValidationError(
    'input-shape',
    `The binary data is said to have ${total} bytes, and ${body.length - endBytes} follow the JSON.`,
  )
}

function parseTensor({ datatype, shape, data }: WireTensor, bytes: Uint8Array | undefined): TensorData {
  // No runtime here computes in it: it is read as the float32 that it is a part of, without loss.
  if (datatype === 'BF16') return parseBfloat16(shape, bytes)
  const type = fromDatatype(datatype)
  if (type === undefined) {
    throw new ValidationError('input-type', `The datatype ${datatype.slice(0, 40)} is not supported.`)
  }
  if (elementCount(shape) === undefined) {
    throw new ValidationError('input-shape', `A shape of [${shape.slice(0, 40)}] is not possible.`)
  }
  if (data != null && bytes !== undefined) {
    throw new ValidationError('input-values', 'It has both data and binary_data_size; send one of them.')
  }
  if (bytes !== undefined) return fromTensorBytes(type, shape, bytes)
  if (data != null) return fromTensorJson(type, shape, data)
  throw new ValidationError('input-missing', 'It has neither data nor binary_data_size.')
}

function parseBfloat16(shape: readonly number[], bytes: Uint8Array | undefined): TensorData {
  if (bytes === undefined) throw new ValidationError('input-values', 'BF16 is taken as binary data only.')
  const { data } = fromTensorBytes('uint16', shape, bytes)
  const widened = Uint32Array.from(data as Uint16Array, (bits) => bits * 0x10000)
  return { type: 'float32', dims: shape, data: new Float32Array(widened.buffer) }
}
