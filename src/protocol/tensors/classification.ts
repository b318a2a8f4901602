import type { TensorData } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { tensorNumbers } from './tensor-numbers.ts'

/** Most classes that can be asked for of one row. */
export const maxClasses = 1000

/**
 * The highest values of an output as text, `value:index` or `value:index:label`, the highest first: the protocol's
 * classification extension. Equal values keep their order.
 *
 * Source: https://github.com/triton-inference-server/server, docs/protocol/extension_classification.md
 *
 * @param options.count how many of each row; fewer where a row has fewer elements
 * @param options.batched the first dimension counts rows; otherwise the tensor is one row
 * @param options.labels by index; used where there is one for each element of a row
 * @throws {ValidationError} `options-invalid` for an output of strings
 */
export function toClasses(
  tensor: TensorData,
  options: { readonly count: number; readonly batched: boolean; readonly labels?: readonly string[] | undefined },
): TensorData {
  const { type, dims } = tensor
  const numbers = tensorNumbers(tensor)
  if (numbers === undefined) {
    throw new ValidationError('options-invalid', 'Only an output of numbers can be asked for as classes.')
  }
  const rows = options.batched ? (dims[0] ?? 1) : 1
  const width = rows === 0 ? 0 : numbers.length / rows
  const count = Math.min(options.count, width)
  const labels = options.labels?.length === width ? options.labels : undefined
  const valueAt = (at: number) => numbers[at] ?? Number.NaN
  const texts: string[] = []
  for (let row = 0; row < rows; row += 1) {
    for (const index of highest(width, count, (at) => valueAt(row * width + at))) {
      const value = toText(valueAt(row * width + index), type)
      texts.push(labels === undefined ? `${value}:${index}` : `${value}:${index}:${labels[index]}`)
    }
  }
  return { type: 'string', dims: options.batched ? [rows, count] : [count], data: texts }
}

/** Indices of the `count` highest. No number comes last. Only about twice as many are ever sorted. */
function highest(width: number, count: number, valueAt: (index: number) => number): number[] {
  const rank = (index: number) => {
    const value = valueAt(index)
    return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value
  }
  let best: number[] = []
  let least = Number.NEGATIVE_INFINITY
  let full = false
  const keepBest = () => {
    best = best.sort((a, b) => rank(b) - rank(a) || a - b).slice(0, count)
    const last = best.at(-1)
    full = best.length === count
    if (last !== undefined) least = rank(last)
  }
  for (let index = 0; index < width; index += 1) {
    // Equal values keep their order, so a later one has to be higher.
    if (full && !(rank(index) > least)) continue
    best.push(index)
    if (best.length >= 2 * count + 64) keepBest()
  }
  keepBest()
  return best
}

/** Nine digits hold any float32. */
const toText = (value: number, type: string): string =>
  type === 'float32' ? String(Number(value.toPrecision(9))) : String(value)
