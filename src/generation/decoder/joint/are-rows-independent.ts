import type { Decoder, Step } from '../create-decoder.ts'
import type { KeyValues } from '../key-values.ts'
import type { NextToken } from './next-token.ts'

/** Lengths of the texts that it is tried with: one of them has empty places beside the other. */
const lengths = [3, 66] as const
/** Texts in one run: processors multiply few rows at a time, and one alone in another way. */
const sizes = [2, 5] as const

const isSame = (a: Float32Array, b: Float32Array) =>
  a.length === b.length && a.every((number, index) => Object.is(number, b[index]))

/**
 * Whether a text's numbers are the same, bit by bit, alone and in a run with others. They are not where something is
 * computed of all rows together (as the step of "dynamic quantization", which is one for the whole tensor), or where the
 * runtime adds the products of one row and of several in another order. It takes about as long as a prompt of 70 tokens.
 *
 * @param readTogether reads a token of each text in one run
 * @returns false also where the graph can't read several
 */
export async function areRowsIndependent(
  decoder: Decoder,
  readTogether: (asks: readonly NextToken[]) => Promise<readonly Step[]>,
): Promise<boolean> {
  const held: KeyValues[] = []
  const hold = (step: Step) => {
    held.push(step.keyValues)
    return step
  }
  /** Each model has these two. */
  const idAt = (at: number) => at % 2
  try {
    const texts: { readonly alone: readonly Step[]; readonly start: KeyValues }[] = []
    for (const length of lengths) {
      const ids = Array.from({ length }, (_, at) => idAt(at))
      const start = hold(await decoder.read(ids, decoder.start)).keyValues
      const first = hold(await decoder.read([idAt(length)], start))
      texts.push({ start, alone: [first, hold(await decoder.read([1], first.keyValues))] })
    }
    for (const size of sizes) {
      const rows = Array.from({ length: size }, (_, row) => texts[row % texts.length] ?? texts[0]).filter(
        (row) => row !== undefined,
      )
      let befores = rows.map(({ start }) => start)
      for (const step of [0, 1]) {
        const asks = befores.map((before) => ({ id: step === 0 ? idAt(before.length) : 1, before }))
        const steps = await readTogether(asks)
        befores = steps.map((each) => hold(each).keyValues)
        const isRowSame = rows.map(({ alone }, row) =>
          isSame(steps[row]?.logits ?? new Float32Array(), alone[step]?.logits ?? new Float32Array()),
        )
        if (isRowSame.includes(false)) return false
      }
    }
    return true
  } catch {
    return false
  } finally {
    for (const keyValues of held) decoder.release(keyValues)
  }
}
