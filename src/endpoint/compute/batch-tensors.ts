import type { NumericData, TensorData, TensorMap, TensorSpec } from '../../contracts/tensor.ts'
import { arrayKind } from '../../protocol/tensors/datatypes.ts'

/** Memory that is joined in one turn of the event loop: a few milliseconds. */
export const maxJoinedBytes = 8 * 2 ** 20

/** Elements that are compared one by one in one turn of the event loop, as many as 8 MiB hold of float32. */
const maxComparedElements = 2 * 2 ** 20

/** Could requests of such a model be joined? Each tensor's first dimension is free, and is not its only one at the input. */
export const mayBatch = (model: {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
}): boolean =>
  model.inputs.every(({ shape = [] }) => shape.length > 1 && shape[0] === -1) &&
  model.outputs.every(({ shape = [] }) => shape[0] === -1)

/** Rows of a request: the first dimension that all of its tensors share. Undefined when they differ, or are none. */
export function rowsOf(tensors: TensorMap): number | undefined {
  const [first, ...rest] = Object.values(tensors).map(({ dims }) => dims[0])
  return first !== undefined && first > 0 && rest.every((rows) => rows === first) ? first : undefined
}

/** Requests with the same kind can be joined: same names, types and dimensions behind the first. */
export const batchKind = (inputs: TensorMap): string =>
  Object.entries(inputs)
    .map(([name, { type, dims }]) => JSON.stringify([name, type, ...dims.slice(1)]))
    .sort()
    .join()

/** How a request can be joined with others; without rows it can't. */
export function requestBatching(request: {
  readonly model: { readonly maxBatch?: number }
  readonly inputs: TensorMap
  readonly outputs: readonly string[]
}): { readonly kind: string; readonly rows: number | undefined } {
  const { model, inputs, outputs } = request
  if ((model.maxBatch ?? 1) === 1) return { kind: '', rows: undefined }
  return { kind: `${batchKind(inputs)}>${outputs.join()}`, rows: rowsOf(inputs) }
}

/** Joins requests of one kind along the first dimension. The originals stay as they are. */
export function joinRows(requests: readonly TensorMap[]): TensorMap {
  const [first = {}] = requests
  return Object.fromEntries(
    Object.entries(first).map(([name, { type, dims }]) => {
      const parts = requests.flatMap((request) => request[name] ?? [])
      const rows = parts.reduce((sum, part) => sum + (part.dims[0] ?? 0), 0)
      return [name, { type, dims: [rows, ...dims.slice(1)], data: joinData(parts) }]
    }),
  )
}

function joinData(parts: readonly TensorData[]): TensorData['data'] {
  const [first] = parts
  if (first === undefined || first.type === 'string') return parts.flatMap(({ data }) => [...(data as string[])])
  const joined = new (arrayKind(first.type))(parts.reduce((sum, { data }) => sum + data.length, 0))
  let at = 0
  for (const { data } of parts) {
    joined.set(data as never, at)
    at += data.length
  }
  return joined
}

/**
 * Each request's part of the joined outputs, in views of the same memory.
 *
 * @returns undefined when an output has not one row for each row of the inputs: then this is no batch dimension
 */
export function splitRows(outputs: TensorMap, rows: readonly number[]): TensorMap[] | undefined {
  const total = rows.reduce((sum, count) => sum + count, 0)
  if (Object.values(outputs).some(({ dims }) => dims[0] !== total)) return undefined
  let from = 0
  return rows.map((count) => {
    const to = from + count
    const part = Object.entries(outputs).map(([name, { type, dims, data }]): [string, TensorData] => {
      const width = data.length / total
      const slice = ArrayBuffer.isView(data)
        ? (data as NumericData).subarray(from * width, to * width)
        : data.slice(from * width, to * width)
      return [name, { type, dims: [count, ...dims.slice(1)], data: slice }]
    })
    from = to
    return Object.fromEntries(part)
  })
}

/** Are two answers the same but for rounding? Whole numbers and text must be equal. */
export function isSameAnswer(a: TensorMap, b: TensorMap, tolerance: number): boolean {
  // Answers that are too large to be compared count as different, so that their model's requests are not joined.
  const elements = Object.values(a).reduce((sum, { data }) => sum + data.length, 0)
  if (elements > maxComparedElements) return false
  return Object.entries(a).every(([name, left]) => {
    const right = b[name]
    if (right === undefined || left.type !== right.type || `${left.dims}` !== `${right.dims}`) return false
    const exact = !left.type.startsWith('float') || left.type === 'float16'
    for (let index = 0; index < left.data.length; index += 1) {
      const x = left.data[index]
      const y = right.data[index]
      if (Object.is(x, y)) continue
      if (exact || typeof x !== 'number' || typeof y !== 'number') return false
      if (!(Math.abs(x - y) <= tolerance + 1e-5 * Math.abs(x))) return false
    }
    return true
  })
}
