import type { Tensor } from 'onnxruntime-common'
import { type DecoderShape, keyValueBytes } from './decoder-shape.ts'
import type { KeyValueMemory } from './key-value-memory.ts'
import { cacheParts, type KeyValues } from './key-values.ts'

/** A cache with room for more than was read. */
export interface Places {
  /** Keys [1, heads, size, places] and values [1, heads, places, size] lie at the beginnings of these. */
  data: readonly Float32Array[]
  /** Places that there is room for. */
  capacity: number
  /** Places that a run is given. */
  count: number
  feeds: Readonly<Record<string, Tensor>>
  /** How many hold a token that somebody reads. */
  filled: number
  /** Keys and values that lie here and were not given up. */
  holders: number
}

/**
 * A run is given so many more places at once, a token at a time. All places are copied into each run, so few are left
 * empty; and whenever there are more, what was read is moved, so it does not happen at every token.
 */
const growth = 64
/** While a prompt is read, each piece has its places: the next piece is as long. */
const pieceGrowth = 16

const upTo = (length: number, unit: number) => Math.ceil(length / unit) * unit

/** Places that a text of so many tokens is given while it is written. */
export const placesOfText = (length: number): number => upTo(length, growth)

/** The memory, with its insides: for who puts several texts' places side by side. */
export interface PlaceMemory extends KeyValueMemory {
  /** Where these lie. @throws {TypeError} they are another decoder's, or were given up */
  placesOf(keyValues: KeyValues): Places
  /** Those of the first `length` tokens that lie there: one holder more. */
  keyValuesOf(places: Places, length: number): KeyValues
  /** New arrays with nothing in them. */
  make(count: number): Places
  /** The inputs of a run that reads so many rows of places, which lie one after another in these arrays. */
  feedsOf(data: readonly Float32Array[], count: number, rows?: number): Readonly<Record<string, Tensor>>
  /** Moves those of the first `length` tokens to where they lie among `count` places, in the same arrays or others. */
  move(from: Places, length: number, to: Places, count: number): void
  /** Writes a part's new numbers, [1, heads, tokens, size], from a place on. */
  write(part: number, given: Float32Array, to: Places, at: number): void
}

/**
 * For a decoder that gives the keys and values of new tokens alone: they are written behind the earlier ones, in place.
 * What was read before stays readable, as its length says where it ends. Where two answers go on from the same tokens,
 * the first one has the places, and the other a copy.
 */
export function createPlaceMemory(shape: DecoderShape, TensorClass: typeof Tensor): PlaceMemory {
  const { kvHeads, headSize } = shape
  const parts = cacheParts(shape)
  const isKey = (part: number) => part % 2 === 0
  /** Of keys and values that were not given up. */
  const owners = new WeakMap<KeyValues, Places>()

  const feedsOf = (data: readonly Float32Array[], count: number, rows = 1) =>
    Object.fromEntries(
      data.map((numbers, part) => {
        const sizes = isKey(part) ? [headSize, count] : [count, headSize]
        const used = numbers.subarray(0, rows * kvHeads * count * headSize)
        return [`past_key_values.${parts[part]}`, new TensorClass('float32', used, [rows, kvHeads, ...sizes])]
      }),
    )
  const make = (count: number, capacity = count): Places => {
    const data = parts.map(() => new Float32Array(kvHeads * capacity * headSize))
    return { data, capacity, count, feeds: feedsOf(data, count), filled: 0, holders: 0 }
  }
  const keyValuesOf = (places: Places, length: number): KeyValues => {
    places.holders += 1
    // Places move while others hold them, too: what is asked for is where they are now.
    const keyValues: KeyValues = {
      length,
      get places() {
        return places.count
      },
      get bytes() {
        return keyValueBytes(shape, places.capacity)
      },
      get feeds() {
        return places.feeds
      },
    }
    owners.set(keyValues, places)
    return keyValues
  }
  const placesOf = (keyValues: KeyValues): Places => {
    const places = owners.get(keyValues)
    if (places === undefined) throw new TypeError("another decoder's keys and values, or released")
    return places
  }

  const move = (from: Places, length: number, to: Places, count: number) => {
    for (const [part, numbers] of from.data.entries()) {
      const target = to.data[part] as Float32Array
      // Rows of keys are as long as there are places; all values of a head lie side by side.
      const [rows, size] = isKey(part) ? [kvHeads * headSize, 1] : [kvHeads, headSize]
      const [before, now, used] = [from.count * size, count * size, length * size]
      // Rows become longer, so the last one goes first: none is written over before it has moved.
      for (let row = rows - 1; row >= 0; row -= 1) {
        if (target === numbers) target.copyWithin(row * now, row * before, row * before + used)
        else target.set(numbers.subarray(row * before, row * before + used), row * now)
      }
    }
    to.filled = length
  }
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

  /** Places for `length` tokens that begin with those before: the same ones, moved in place, or a copy. */
  const placesFor = (before: KeyValues, length: number, toCome: number): Places => {
    const known = placesOf(before)
    const isNext = known.filled === before.length
    // While a text is written it has a multiple of the same number of places, however its prompt was read: the runtime
    // rounds sums over more places otherwise.
    const unit = toCome > 0 ? pieceGrowth : growth
    const count = upTo(length, unit)
    if (isNext && count <= known.count && known.count % unit === 0) return known
    // Another answer may be in the middle of a run that reads them, so only what nobody else holds is moved.
    if (isNext && known.holders === 1 && count <= known.capacity) {
      move(known, before.length, known, count)
      known.count = count
      known.feeds = feedsOf(known.data, count)
      return known
    }
    const places = make(count, placesOfText(length + toCome + 1))
    move(known, before.length, places, count)
    return places
  }

  const start = keyValuesOf(make(0), 0)
  return {
    start,
    prepare: () => undefined,
    take(outputs, _, before, toCome) {
      const given = parts.map((part) => {
        const data = outputs[`new.${part}`]?.data
        if (!(data instanceof Float32Array)) throw new TypeError(`the decoder gave no "new.${part}"`)
        return data
      })
      const length = before.length + (given[0]?.length ?? 0) / (kvHeads * headSize)
      const places = placesFor(before, length, toCome)
      for (const [part, numbers] of given.entries()) write(part, numbers, places, before.length)
      places.filled = length
      return keyValuesOf(places, length)
    },
    discard() {},
    first: (keyValues, length) =>
      length <= 0 ? start : keyValuesOf(placesOf(keyValues), Math.min(length, keyValues.length)),
    release(keyValues) {
      const places = owners.get(keyValues)
      if (places === undefined || keyValues === start) return
      owners.delete(keyValues)
      places.holders -= 1
    },
    placesOf,
    keyValuesOf,
    make,
    feedsOf,
    move,
    write,
  }
}
