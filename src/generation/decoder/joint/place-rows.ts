import type { Tensor } from 'onnxruntime-common'
import type { DecoderShape } from '../decoder-shape.ts'
import { cacheParts, type KeyValues } from '../key-values.ts'
import { type PlaceMemory, type Places, placesOfText } from '../place-memory.ts'

/** Rows that one run reads. */
export interface GatheredRows {
  /** Where each text's keys and values lie now, in the order in which they were given; its row is in `rows`. */
  readonly places: readonly Places[]
  readonly rows: readonly number[]
  /** The inputs that hold all rows. */
  readonly feeds: Readonly<Record<string, Tensor>>
}

/** Several texts' keys and values side by side: as many places for each of them as for the longest. */
export interface PlaceRows {
  /**
   * Puts what these texts have read into the first rows. Those that were there the last time stay as they are, so this
   * copies only when another text comes, and when all get more places. What is no longer read moves out.
   *
   * @param count places of each row: at least one more than the longest text has filled
   */
  gather(texts: readonly KeyValues[], count: number): GatheredRows
  /**
   * Nobody goes on from these for now: they lie by themselves, in no more places than they need. Rows are given up where
   * fewer than two texts are left.
   */
  settle(keyValues: KeyValues): void
}

/**
 * @param memory where texts lie that are read alone
 * @param emptyPlaces that rows may keep for texts that have left, and the shorter texts have beside the longest
 */
export function createPlaceRows(shape: DecoderShape, memory: PlaceMemory, emptyPlaces: number): PlaceRows {
  const { kvHeads, headSize } = shape
  const parts = cacheParts(shape).length
  /** All rows of a part lie one after another. */
  let data: readonly Float32Array[] = []
  let count = 0
  let rows: (Places | undefined)[] = []
  let known: { readonly rows: number; readonly feeds: GatheredRows['feeds'] } | undefined

  const sizeOf = (places: number) => kvHeads * headSize * places
  const rowOf = (arrays: readonly Float32Array[], row: number, places: number) =>
    arrays.map((numbers) => numbers.subarray(row * sizeOf(places), (row + 1) * sizeOf(places)))
  const lieIn = (places: Places, { data, count, capacity, feeds }: Places) => {
    Object.assign(places, { data, count, capacity, feeds })
  }
  const moveOut = (places: Places) => {
    const own = memory.make(placesOfText(places.filled))
    memory.move(places, places.filled, own, own.count)
    lieIn(places, own)
  }
  /** A text that is the only one left, or none, needs no rows. */
  const forgetFew = () => {
    const left = rows.filter((each) => each !== undefined && each.holders > 0)
    if (left.length > 1) return
    for (const places of left) if (places !== undefined) moveOut(places)
    ;[data, count, rows, known] = [[], 0, [], undefined]
  }
  /** May this text go on where it lies, or must it have a copy, as another one has gone on from there? */
  const isOwn = (places: Places, { length }: KeyValues) => length > 0 && places.filled === length

  return {
    gather(texts, wanted) {
      const owned: (Places | undefined)[] = []
      for (const text of texts) {
        const places = memory.placesOf(text)
        owned.push(isOwn(places, text) && !owned.includes(places) ? places : undefined)
      }
      const isRead = new Set(owned)
      for (const [row, places] of rows.entries()) {
        if (places === undefined || isRead.has(places)) continue
        if (places.holders > 0) moveOut(places)
        rows[row] = undefined
      }
      const size = texts.length
      const length = size * sizeOf(wanted)
      const has = data[0]?.length ?? 0
      const used = texts.reduce((sum, text) => sum + placesOfText(text.length + 1), 0)
      // Where texts have gone, their room goes, too, when it is more than may be empty.
      const stay = wanted === count && has >= length && has <= 2 * length && has <= sizeOf(used + emptyPlaces)
      const target = stay ? data : Array.from({ length: parts }, () => new Float32Array(length))
      const before = stay ? rows : []
      const placed: (Places | undefined)[] = Array.from({ length: size }, (_, row) => before[row])
      const vacant = [...placed.keys()].filter((row) => placed[row] === undefined)
      const at = texts.map((text, index) => {
        const own = owned[index]
        const found = own === undefined ? -1 : placed.indexOf(own)
        if (found >= 0) return found
        const row = vacant.shift() ?? Number.NaN
        const views = rowOf(target, row, wanted)
        // What an earlier text has left there is nothing to this one: not even where it is no number.
        if (stay) for (const numbers of views) numbers.fill(0)
        const feeds = memory.feedsOf(views, wanted)
        const to: Places = { data: views, count: wanted, capacity: wanted, feeds, filled: 0, holders: 0 }
        memory.move(memory.placesOf(text), text.length, to, wanted)
        if (own !== undefined) lieIn(own, to)
        placed[row] = own ?? to
        return row
      })
      if (!stay || known?.rows !== size) known = { rows: size, feeds: memory.feedsOf(target, wanted, size) }
      ;[data, count, rows] = [target, wanted, placed]
      return { places: at.map((row) => placed[row] as Places), rows: at, feeds: known.feeds }
    },
    settle(keyValues) {
      const places = memory.placesOf(keyValues)
      const row = rows.indexOf(places)
      if (row >= 0) {
        moveOut(places)
        rows[row] = undefined
      }
      forgetFew()
    },
  }
}
