import type { Tensor } from 'onnxruntime-common'
import { type DecoderShape, keyValueBytes } from './decoder-shape.ts'
import type { KeyValueMemory } from './key-value-memory.ts'
import { cacheParts, type KeyValues } from './key-values.ts'

/** A cache with room for more than was read. */
interface Places {
  readonly count: number
  /** How many hold a token that somebody reads. */
  filled: number
  /** As the decoder takes them: keys [1, heads, size, places], values [1, heads, places, size]. */
  readonly data: readonly Float32Array[]
  readonly feeds: Readonly<Record<string, Tensor>>
}

/**
 * A cache grows by so many places at once, a token at a time. All places are copied into each run, so few are left empty;
 * and each growth copies all that was read, so it does not grow at every token.
 */
const growth = 64
/** While a prompt is read, each piece has its places: the next piece is as long. */
const pieceGrowth = 16

const placesFor = (length: number, isPiece: boolean) => {
  const unit = isPiece ? pieceGrowth : growth
  return Math.ceil(length / unit) * unit
}

/**
 * For a decoder that gives the keys and values of new tokens alone: they are written behind the earlier ones, in place.
 * What was read before stays readable, as its length says where it ends. Where two answers go on from the same tokens,
 * the first one has the places, and the other a copy.
 */
export function createPlaceMemory(shape: DecoderShape, TensorClass: typeof Tensor): KeyValueMemory {
  const { kvHeads, headSize } = shape
  const parts = cacheParts(shape)
  const isKey = (part: number) => part % 2 === 0
  const owners = new WeakMap<KeyValues, Places>()

  const make = (count: number): Places => {
    const data = parts.map(() => new Float32Array(kvHeads * count * headSize))
    const tensors = data.map((numbers, part) => {
      const sizes = isKey(part) ? [headSize, count] : [count, headSize]
      return [`past_key_values.${parts[part]}`, new TensorClass('float32', numbers, [1, kvHeads, ...sizes])] as const
    })
    return { count, filled: 0, data, feeds: Object.fromEntries(tensors) }
  }
  const keyValuesOf = (places: Places, length: number): KeyValues => {
    const bytes = keyValueBytes(shape, places.count)
    const keyValues = { length, places: places.count, bytes, feeds: places.feeds }
    owners.set(keyValues, places)
    return keyValues
  }
  const placesOf = (keyValues: KeyValues): Places => {
    const places = owners.get(keyValues)
    if (places === undefined) throw new TypeError("these are another decoder's keys and values")
    return places
  }

  /** Copies those of the first `length` tokens. */
  const copy = (from: Places, length: number, to: Places) => {
    for (const [part, numbers] of from.data.entries()) {
      const target = to.data[part] as Float32Array
      // Rows of keys are as long as there are places; all values of a head lie side by side.
      const [rows, size] = isKey(part) ? [kvHeads * headSize, 1] : [kvHeads, headSize]
      for (let row = 0; row < rows; row += 1) {
        const start = row * from.count * size
        target.set(numbers.subarray(start, start + length * size), row * to.count * size)
      }
    }
    to.filled = length
  }
  /** Writes a part's new numbers, [1, heads, tokens, size], from a place on. */
  const write = (part: number, given: Float32Array, { count, data }: Places, at: number) => {
    const target = data[part] as Float32Array
    const tokens = given.length / (kvHeads * headSize)
    for (let head = 0; head < kvHeads; head += 1) {
      const start = head * tokens * headSize
      if (!isKey(part)) {
        target.set(given.subarray(start, start + tokens * headSize), (head * count + at) * headSize)
        continue
      }
      for (let index = 0; index < headSize; index += 1) {
        const row = (head * headSize + index) * count + at
        // By place, so that what is written lies side by side.
        for (let token = 0; token < tokens; token += 1) {
          target[row + token] = given[start + token * headSize + index] as number
        }
      }
    }
  }

  const nothing = make(0)
  const start = keyValuesOf(nothing, 0)
  return {
    start,
    prepare: () => undefined,
    take(outputs, _, before) {
      const given = parts.map((part) => {
        const data = outputs[`new.${part}`]?.data
        if (!(data instanceof Float32Array)) throw new TypeError(`the decoder gave no "new.${part}"`)
        return data
      })
      const length = before.length + (given[0]?.length ?? 0) / (kvHeads * headSize)
      const known = placesOf(before)
      const isFree = known.filled === before.length && length <= known.count
      const places = isFree ? known : make(placesFor(length, length - before.length > 1))
      if (!isFree) copy(known, before.length, places)
      for (const [part, numbers] of given.entries()) write(part, numbers, places, before.length)
      places.filled = length
      return keyValuesOf(places, length)
    },
    discard() {},
    first: (keyValues, length) =>
      length <= 0 ? start : length >= keyValues.length ? keyValues : keyValuesOf(placesOf(keyValues), length),
    release() {},
  }
}
