import type { ModelError } from '../../errors/model-error.ts'
import { unreadable, unsupported } from './onnx-cursor.ts'

/** Weights that lie in another file, and where in it. */
export interface OutsideWeight {
  /** What nodes call them by. */
  readonly name: string
  /** The other file, as the graph names it. */
  readonly file: string
  /** First byte of them in that file, and how many they are. */
  readonly offset: number
  readonly bytes: number
  /** Why the runtime does not read them from there; undefined where it does. */
  readonly refusal: ModelError | undefined
}

/** What a TensorProto says of data in another file. */
export interface OutsideFacts {
  readonly name: string
  readonly dims: readonly number[]
  /** TensorProto.DataType. */
  readonly type: number
  /** Its `external_data`: `location`, `offset`, `length` and what else there is. */
  readonly entries: ReadonlyMap<string, string>
}

const text = 8
/** Bits of an element by TensorProto.DataType. Those under eight lie side by side, without a gap between rows. */
const elementBits: Readonly<Record<number, number>> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  14: 64,
  15: 128,
  16: 16,
  17: 8,
  18: 8,
  19: 8,
  20: 8,
  21: 4,
  22: 4,
  23: 4,
  24: 8,
  25: 2,
  26: 2,
}

/**
 * Where weights lie in another file, read as the runtime reads it: without an offset at its start, and as many bytes as
 * their shape and type take. A length is said twice, then, and must agree; 0 is none.
 *
 * @param problem why the runtime reads none from another file at this place of the graph
 */
export function toOutsideWeight(facts: OutsideFacts, problem: string | undefined): OutsideWeight {
  const { name, dims, type, entries } = facts
  const file = entries.get('location') ?? ''
  const offset = entries.get('offset') ?? '0'
  const length = entries.get('length') ?? '0'
  const elements = dims.reduce((product, size) => product * size, 1)
  const bits = elementBits[type]
  const size = bits === undefined ? undefined : Math.ceil((elements * bits) / 8)
  const said = Number(length)

  const refusal = () => {
    if (file === '') return unreadable(`its weights "${name}" lie in another file, and it does not say in which`)
    const lost = problem ?? (type === text ? 'are text' : undefined)
    if (lost !== undefined) {
      return unsupported(
        `weights of it are in ${file} and ${lost}, where the runtime reads none from another file; save the model with these weights inside of it`,
      )
    }
    const its = `its weights "${name}" in ${file}`
    if (dims.some((dim) => dim < 0)) return unreadable(`${its} have a shape with a negative size`)
    if (!/^-?\d+$/.test(offset) || Number(offset) < 0) {
      return unreadable(`${its} begin at "${offset}", which is no place in a file`)
    }
    if (!/^\d+$/.test(length)) return unreadable(`${its} have "${length}" bytes, which is no number`)
    if (said !== 0 && size !== undefined && said !== size) {
      return unreadable(`${its} are said to have ${length} bytes, and their shape and type take ${size}`)
    }
    return undefined
  }
  return { name, file, offset: Number(offset), bytes: size ?? said, refusal: refusal() }
}
