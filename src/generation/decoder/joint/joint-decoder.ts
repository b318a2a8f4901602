import type { InferenceSession, Tensor } from 'onnxruntime-common'
import { createDecoder, type Decoder, type DecoderSession, type Step } from '../create-decoder.ts'
import { keyValueBytes } from '../decoder-shape.ts'
import { cacheParts } from '../key-values.ts'
import { createPlaceMemory, type PlaceMemory, placesOfText } from '../place-memory.ts'
import { areRowsIndependent } from './are-rows-independent.ts'
import { chooseRows } from './choose-rows.ts'
import type { NextToken } from './next-token.ts'
import { createPlaceRows } from './place-rows.ts'

/** A decoder that reads the next tokens of several texts in one run. */
export interface JointDecoder extends Decoder {
  /**
   * Does it? Not where its graph has another form, nor where a text's numbers were found to depend on those beside it.
   * Until two texts have come together, nobody has looked.
   */
  readonly isJoint: boolean
}

interface Waiting extends NextToken {
  readonly resolve: (step: Step) => void
  readonly reject: (error: unknown) => void
}

/** With one for the token itself. */
const placesOf = ({ before }: NextToken) => placesOfText(before.length + 1)

/**
 * A decoder whose callers may read at the same time: single tokens that are asked for together are read in one run, which
 * reads the weights once for all of them. Each caller gets what it would get alone, bit by bit: that is tried once, before
 * the first joint run, and where it is not so, each has a run of its own.
 *
 * Only a graph that gives new keys and values alone is run so: the caches of others would be joined and taken apart at
 * each token.
 *
 * @param options.emptyBytes of places that have no token, as the texts of a run are not equally long
 * @param options.gather resolves when all who are about to read have asked
 */
export function createJointDecoder(
  session: DecoderSession,
  TensorClass: typeof Tensor,
  options: { readonly emptyBytes: number; readonly gather: () => Promise<unknown> },
): JointDecoder | string {
  let memory: PlaceMemory | undefined
  const single = createDecoder(session, TensorClass, undefined, (shape) => {
    memory = createPlaceMemory(shape, TensorClass)
    return memory
  })
  if (typeof single === 'string') return single
  if (memory === undefined) return { ...single, isJoint: false }
  const { shape } = single
  const readRows = createRowReading(session, TensorClass, single, memory)
  const emptyPlaces = Math.floor(options.emptyBytes / keyValueBytes(shape, 1))
  let isJoint: boolean | undefined
  let waiting: Waiting[] = []

  const settle = async (asks: readonly Waiting[], steps: () => Promise<readonly Step[]>) => {
    try {
      for (const [index, step] of (await steps()).entries()) asks[index]?.resolve(step)
      return []
    } catch (error) {
      const [only] = asks
      if (asks.length === 1) only?.reject(error)
      // Who is to blame is not known: each is read alone, and fails alone.
      return asks.length === 1 ? [] : asks
    }
  }
  const readAlone = async (ask: Waiting) => {
    await settle([ask], async () => [await single.read([ask.id], ask.before)])
  }
  const readAll = async (asks: readonly Waiting[]) => {
    if (asks.length > 1) isJoint ??= await areRowsIndependent(single, readRows.read)
    const chosen = isJoint === true ? chooseRows(asks.map(placesOf), emptyPlaces) : []
    const together = chosen.length > 1 ? asks.filter((_, index) => chosen.includes(index)) : []
    const left = together.length === 0 ? [] : await settle(together, () => readRows.read(together))
    for (const ask of asks) if (left.includes(ask) || !together.includes(ask)) await readAlone(ask)
  }
  /** Reads what is asked for by then. */
  const readSoon = async () => {
    await options.gather()
    const asks = waiting
    waiting = []
    try {
      await readAll(asks)
    } catch (error) {
      for (const { reject } of asks) reject(error)
    }
  }

  return {
    ...single,
    get isJoint() {
      return isJoint !== false
    },
    read(ids, before, toCome = 0) {
      const [id] = ids
      if (isJoint === false || ids.length !== 1 || id === undefined || toCome > 0)
        return single.read(ids, before, toCome)
      return new Promise((resolve, reject) => {
        waiting.push({ id, before, resolve, reject })
        if (waiting.length === 1) void readSoon()
      })
    },
    settle: readRows.settle,
  }
}

/** Reads a token of each of several texts in one run. */
function createRowReading(
  session: DecoderSession,
  TensorClass: typeof Tensor,
  { shape }: Decoder,
  memory: PlaceMemory,
) {
  const rows = createPlaceRows(shape, memory)
  const parts = cacheParts(shape)
  const { takesPositions, takesLogitRows, kvHeads, headSize } = shape
  const tensorOf = (numbers: readonly number[], dims: readonly number[]) =>
    new TensorClass('int64', BigInt64Array.from(numbers, BigInt), dims)

  return {
    settle: rows.settle,
    async read(asks: readonly NextToken[]): Promise<readonly Step[]> {
      const size = asks.length
      const count = Math.max(...asks.map(placesOf))
      const gathered = rows.gather(
        asks.map(({ before }) => before),
        count,
      )
      /** As the rows lie. */
      const inRows: NextToken[] = []
      for (const [index, ask] of asks.entries()) inRows[gathered.rows[index] ?? 0] = ask
      const mask = new BigInt64Array(size * (count + 1))
      for (const [row, { before }] of inRows.entries()) {
        const start = row * (count + 1)
        mask.fill(1n, start, start + before.length)
        mask[start + count] = 1n
      }
      const outputs = await session.run({
        ...gathered.feeds,
        input_ids: tensorOf(
          inRows.map(({ id }) => id),
          [size, 1],
        ),
        attention_mask: new TensorClass('int64', mask, [size, count + 1]),
        ...(takesPositions
          ? {
              position_ids: tensorOf(
                inRows.map(({ before }) => before.length),
                [size, 1],
              ),
            }
          : {}),
        ...(takesLogitRows ? { logit_rows: tensorOf([0], [1]) } : {}),
      })
      const logits = numbersOf(outputs, 'logits')
      const given = parts.map((part) => numbersOf(outputs, `new.${part}`))
      const [vocabulary, ofRow] = [logits.length / size, kvHeads * headSize]
      return asks.map(({ before }, index) => {
        const row = gathered.rows[index] ?? 0
        const places = gathered.places[index]
        if (places === undefined) throw new TypeError('a text has no row')
        for (const [part, numbers] of given.entries()) {
          memory.write(part, numbers.subarray(row * ofRow, (row + 1) * ofRow), places, before.length)
        }
        places.filled = before.length + 1
        return {
          logits: logits.slice(row * vocabulary, (row + 1) * vocabulary),
          keyValues: memory.keyValuesOf(places, before.length + 1),
        }
      })
    },
  }
}

function numbersOf(outputs: InferenceSession.ReturnType, name: string): Float32Array {
  const data = outputs[name]?.data
  if (!(data instanceof Float32Array)) throw new TypeError(`the decoder gave no "${name}"`)
  return data
}
