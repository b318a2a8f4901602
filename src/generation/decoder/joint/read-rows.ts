import type { InferenceSession, Tensor } from 'onnxruntime-common'
import type { DecoderSession, Step } from '../create-decoder.ts'
import type { DecoderShape } from '../decoder-shape.ts'
import { cacheParts } from '../key-values.ts'
import { type PlaceMemory, type Places, placesOfText } from '../place-memory.ts'
import type { CheckedRuns } from './checked-runs.ts'
import type { NextToken } from './next-token.ts'
import type { PlaceRows } from './place-rows.ts'

/** Places that a text needs with its next token. */
export const placesWithNext = ({ before }: NextToken): number => placesOfText(before.length + 1)

/** What one run gave for one text. */
interface RowNumbers {
  readonly logits: Float32Array
  /** New keys and values, part by part: [1, heads, 1, size]. */
  readonly parts: readonly Float32Array[]
}

const isSameArray = (a: Float32Array, b: Float32Array) =>
  a.length === b.length && a.every((number, index) => Object.is(number, b[index]))
const isSame = (a: RowNumbers, b: RowNumbers) =>
  isSameArray(a.logits, b.logits) && a.parts.every((part, at) => isSameArray(part, b.parts[at] ?? new Float32Array()))

/**
 * Reads one token of each of several texts in one run. Each gets the numbers that it would get alone: where a run of this
 * form was not compared yet, each text is read alone beside it, and has those.
 *
 * @throws as the session's `run` does: nothing was read then
 */
export function createRowReading(
  session: DecoderSession,
  TensorClass: typeof Tensor,
  options: {
    readonly shape: DecoderShape
    readonly memory: PlaceMemory
    readonly rows: PlaceRows
    readonly checked: CheckedRuns
  },
): (asks: readonly NextToken[]) => Promise<readonly Step[]> {
  const { shape, memory, rows, checked } = options
  const parts = cacheParts(shape)
  const { takesPositions, takesLogitRows, kvHeads, headSize } = shape
  const tensorOf = (numbers: readonly number[], dims: readonly number[]) =>
    new TensorClass('int64', BigInt64Array.from(numbers, BigInt), dims)

  const run = async (
    asks: readonly NextToken[],
    count: number,
    feeds: Readonly<Record<string, Tensor>>,
  ): Promise<readonly RowNumbers[]> => {
    const size = asks.length
    const mask = new BigInt64Array(size * (count + 1))
    for (const [row, { before }] of asks.entries()) {
      const start = row * (count + 1)
      mask.fill(1n, start, start + before.length)
      mask[start + count] = 1n
    }
    const ids = asks.map(({ id }) => id)
    const positions = asks.map(({ before }) => before.length)
    const outputs = await session.run({
      ...feeds,
      input_ids: tensorOf(ids, [size, 1]),
      attention_mask: new TensorClass('int64', mask, [size, count + 1]),
      ...(takesPositions ? { position_ids: tensorOf(positions, [size, 1]) } : {}),
      ...(takesLogitRows ? { logit_rows: tensorOf([0], [1]) } : {}),
    })
    const logits = numbersOf(outputs, 'logits')
    const given = parts.map((part) => numbersOf(outputs, `new.${part}`))
    const [vocabulary, ofRow] = [logits.length / size, kvHeads * headSize]
    return asks.map((_, row) => ({
      logits: logits.subarray(row * vocabulary, (row + 1) * vocabulary),
      parts: given.map((numbers) => numbers.subarray(row * ofRow, (row + 1) * ofRow)),
    }))
  }
  const runAlone = async (ask: NextToken, places: Places): Promise<RowNumbers> => {
    const own = memory.make(placesOfText(ask.before.length))
    memory.move(places, ask.before.length, own, own.count)
    const [numbers] = await run([ask], own.count, own.feeds)
    if (numbers === undefined) throw new TypeError('the run gave nothing')
    return numbers
  }

  return async (asks) => {
    const count = Math.max(...asks.map(placesWithNext))
    const form = { texts: asks.length, places: count }
    const gathered = rows.gather(
      asks.map(({ before }) => before),
      count,
    )
    /** As the rows lie. */
    const inRows: NextToken[] = []
    for (const [index, ask] of asks.entries()) inRows[gathered.rows[index] ?? 0] = ask
    const numbers = [...(await run(inRows, count, gathered.feeds))]
    const placesOfRow = (row: number) => {
      const places = gathered.places[gathered.rows.indexOf(row)]
      if (places === undefined) throw new TypeError('a text has no row')
      return places
    }

    const compared: number[] = []
    let differs = false
    const compare = async (row: number, ask: NextToken) => {
      const alone = await runAlone(ask, placesOfRow(row))
      if (!isSame(alone, numbers[row] ?? alone)) differs = true
      numbers[row] = alone
      compared[row] = placesOfText(ask.before.length)
    }
    for (const [row, ask] of inRows.entries()) {
      if (checked.isNew(form, placesOfText(ask.before.length))) await compare(row, ask)
    }
    if (!differs) checked.same(form, Object.values(compared))
    else {
      checked.differs(form)
      for (const [row, ask] of inRows.entries()) if (compared[row] === undefined) await compare(row, ask)
    }

    return asks.map(({ before }, index) => {
      const row = gathered.rows[index] ?? 0
      const places = placesOfRow(row)
      const own = numbers[row]
      if (own === undefined) throw new TypeError('a text has no row')
      for (const [part, given] of own.parts.entries()) memory.write(part, given, places, before.length)
      places.filled = before.length + 1
      return { logits: own.logits.slice(), keyValues: memory.keyValuesOf(places, before.length + 1) }
    })
  }
}

function numbersOf(outputs: InferenceSession.ReturnType, name: string): Float32Array {
  const data = outputs[name]?.data
  if (!(data instanceof Float32Array)) throw new TypeError(`the decoder gave no "${name}"`)
  return data
}
