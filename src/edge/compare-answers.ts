import type { TensorData, TensorMap } from '../contracts/tensor.ts'
import { fromFloat16Bits } from '../protocol/tensors/float16.ts'
import type { AnswerSample } from './device-knowledge.ts'

/** Values of an output that are compared: evenly over all of it. */
const mostValues = 256

/** Backends round differently, in 16 bits more so: shares of a value by which they may differ beside the tolerance. */
const roundingOf = (type: TensorData['type']): number =>
  type === 'float16' ? 1e-2 : type.startsWith('float') ? 1e-4 : 0

/** The largest share of an output's largest value that a tolerance is taken for: one for ones says nothing of thousandths. */
const mostOfLargest = 0.05
/** Differences that are none, whatever the output's values. */
const negligible = 1e-6

/** Whole numbers that no number of JavaScript's stands for are texts. */
const toValue = (type: TensorData['type'], value: unknown): number | string => {
  if (typeof value === 'string') return value
  if (type === 'float16') return fromFloat16Bits(Number(value))
  const number = Number(value)
  return typeof value === 'bigint' && !Number.isSafeInteger(number) ? String(value) : number
}

export function sampleAnswer(outputs: TensorMap): AnswerSample {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { type, dims, data }]) => {
      const count = Math.min(data.length, mostValues)
      const values = Array.from({ length: count }, (_, index) =>
        toValue(type, data[Math.floor((index * data.length) / count)]),
      )
      return [name, { dims: [...dims], values }]
    }),
  )
}

/** An answer says something: it has values, and all of them are numbers that are finite, or texts. */
export const isTelling = (sample: AnswerSample): boolean => {
  const values = Object.values(sample).flatMap((output) => output.values)
  return values.length > 0 && values.every((value) => typeof value === 'string' || Number.isFinite(value))
}

/**
 * Are two answers to the same input the same but for rounding? Whole numbers and texts must be equal, dimensions too,
 * and so must what is infinite or no number.
 *
 * @param tolerance the largest difference of a value that the model's manifest allows between backends; of outputs that
 *   are all far below one, 5 % of the largest value at most
 */
export function isSameAnswer(expected: AnswerSample, outputs: TensorMap, tolerance: number): boolean {
  const got = sampleAnswer(outputs)
  return Object.entries(expected).every(([name, { dims, values }]) => {
    const other = got[name]
    const type = outputs[name]?.type
    if (other === undefined || type === undefined || String(other.dims) !== String(dims)) return false
    const rounding = roundingOf(type)
    const largest = values.reduce<number>(
      (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(Number(value))) : most),
      0,
    )
    const absolute = Math.min(tolerance, Math.max(negligible, largest * mostOfLargest))
    return values.every((value, index) => {
      const found = other.values[index]
      if (Object.is(value, found)) return true
      if (typeof value !== 'number' || typeof found !== 'number') return false
      // Any number is within a share of infinity.
      if (!Number.isFinite(value) || !Number.isFinite(found)) return false
      const allowed = rounding === 0 ? 0 : absolute + rounding * Math.abs(value)
      return Math.abs(value - found) <= allowed
    })
  })
}
