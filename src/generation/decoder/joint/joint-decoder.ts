import type { Tensor } from 'onnxruntime-common'
import { createDecoder, type Decoder, type DecoderSession, type Step } from '../create-decoder.ts'
import { keyValueBytes } from '../decoder-shape.ts'
import { createPlaceMemory, type PlaceMemory, placesOfText } from '../place-memory.ts'
import { createCheckedRuns } from './checked-runs.ts'
import { chooseRows } from './choose-rows.ts'
import type { NextToken } from './next-token.ts'
import { createPlaceRows } from './place-rows.ts'
import { createRowReading, placesWithNext } from './read-rows.ts'

/** A decoder that reads the next tokens of several texts in one run. */
export interface JointDecoder extends Decoder {
  /**
   * Does it? Not where its graph has another form, nor where a text's numbers were found to depend on those beside it,
   * however short the texts are.
   */
  readonly isJoint: boolean
}

interface Waiting extends NextToken {
  readonly resolve: (step: Step) => void
  readonly reject: (error: unknown) => void
}

/**
 * A decoder whose callers may read at the same time: single tokens that are asked for together are read in one run, which
 * reads the weights once for all of them. Each caller gets what it would get alone, bit by bit: runs of a form that has not
 * been seen are compared with each text's own, and where they differ, texts of that length have runs of their own.
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
  const single = createDecoder(session, TensorClass, undefined, (...given) => {
    memory = createPlaceMemory(...given)
    return memory
  })
  if (typeof single === 'string') return single
  if (memory === undefined) return { ...single, isJoint: false }
  const { shape } = single
  const emptyPlaces = Math.floor(options.emptyBytes / keyValueBytes(shape, 1))
  const rows = createPlaceRows(shape, memory, emptyPlaces)
  const checked = createCheckedRuns()
  const readRows = createRowReading(session, TensorClass, { shape, memory, rows, checked })
  let waiting: Waiting[] = []
  let hasReadSeveral = false
  const isJoint = () => checked.limit > placesOfText(1)

  /** @returns whether it was read */
  const readAlone = async ({ id, before, resolve, reject }: Waiting): Promise<boolean> => {
    try {
      // Beside a longer text it has more places than alone, and its sums might be cut otherwise.
      if (before.places !== placesOfText(before.length)) rows.settle(before)
      resolve(await single.read([id], before))
      return true
    } catch (error) {
      reject(error)
      return false
    }
  }
  const readTogether = async (asks: readonly Waiting[]) => {
    try {
      for (const [index, step] of (await readRows(asks)).entries()) asks[index]?.resolve(step)
      hasReadSeveral = true
    } catch {
      // Who is to blame is not known: each is read alone, and fails alone. If nobody does, the run itself did: too many
      // places, or the graph reads one text at a time.
      const isRead: boolean[] = []
      for (const ask of asks) isRead.push(await readAlone(ask))
      if (isRead.includes(false)) return
      checked.differs({ texts: asks.length, places: hasReadSeveral ? Math.max(...asks.map(placesWithNext)) : 0 })
    }
  }
  const readAll = async (asks: readonly Waiting[]) => {
    const short = asks.filter((ask) => placesWithNext(ask) < checked.limit)
    const chosen = chooseRows(short.map(placesWithNext), emptyPlaces)
    const together = chosen.length > 1 ? short.filter((_, index) => chosen.includes(index)) : []
    if (together.length > 0) await readTogether(together)
    for (const ask of asks) if (!together.includes(ask)) await readAlone(ask)
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
      return isJoint()
    },
    read(ids, before, toCome = 0) {
      const [id] = ids
      if (!isJoint() || ids.length !== 1 || id === undefined || toCome > 0) return single.read(ids, before, toCome)
      return new Promise((resolve, reject) => {
        waiting.push({ id, before, resolve, reject })
        if (waiting.length === 1) void readSoon()
      })
    },
    settle: rows.settle,
  }
}
