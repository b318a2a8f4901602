import { PbfReader } from 'pbf'
import type { TensorSpec, TensorType } from '../../contracts/tensor.ts'
import { unreadable, unsupported } from './onnx-cursor.ts'

/** TensorProto.DataType of onnx.proto. */
export const elementTypes: Readonly<Record<number, TensorType>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
}
/** uint4 and int4: the runtime loads models that have them among their outputs, and no tensor of ours can hold them. */
const fourBits: readonly (number | undefined)[] = [21, 22]

/** TypeProto: what a value may be beside a tensor, by its field. */
const kinds: Readonly<Record<number, string>> = {
  4: 'a sequence',
  5: 'a map',
  7: 'an opaque value',
  8: 'a sparse tensor',
  9: 'an optional value',
}

/** An input or output, as the graph describes it. */
export interface ValueInfo {
  readonly name: string
  /** What it is instead of a tensor. */
  readonly kind: string | undefined
  readonly type: number | undefined
  /** Undefined where the graph does not say how many dimensions there are. */
  readonly shape: readonly number[] | undefined
}

/** ValueInfoProto: name 1, type 2 (TypeProto: tensor_type 1: elem_type 1, shape 2: dim 1: dim_value 1). */
export function readValueInfo(bytes: Uint8Array): ValueInfo {
  const info: { -readonly [K in keyof ValueInfo]: ValueInfo[K] } = {
    name: '',
    kind: undefined,
    type: undefined,
    shape: undefined,
  }
  const readDim = (tag: number, dims: number[], pbf: PbfReader) => {
    if (tag !== 1) return
    const dim = pbf.readMessage(
      (field, size: { value: number }, inner) => {
        if (field === 1) size.value = inner.readVarint(true)
      },
      { value: -1 },
    )
    dims.push(Number.isSafeInteger(dim.value) && dim.value >= 0 ? dim.value : -1)
  }
  const readTensorType = (tag: number, target: typeof info, pbf: PbfReader) => {
    if (tag === 1) target.type = pbf.readVarint()
    else if (tag === 2) target.shape = pbf.readMessage(readDim, [])
  }
  try {
    return new PbfReader(bytes).readFields((tag, target, pbf) => {
      if (tag === 1) target.name = pbf.readString()
      else if (tag === 2) {
        pbf.readMessage((kind, own: typeof info, type) => {
          if (kind === 1) type.readMessage(readTensorType, own)
          else own.kind = kinds[kind] ?? own.kind
        }, target)
      }
    }, info)
  } catch (error) {
    throw unreadable(`the description of an input or output is damaged (${String(error)})`)
  }
}

/** @throws {ModelError} `onnx-unsupported`, with what the runtime does not take */
function toSpec({ name, type = 0, shape }: ValueInfo): TensorSpec {
  if (type === 0) throw unsupported(`it does not say of which type "${name}" is`)
  const known = elementTypes[type]
  if (known === undefined) throw unsupported(`"${name}" is of a type that browsers cannot run`)
  return { name, type: known, ...(shape === undefined ? {} : { shape }) }
}

/** @throws {ModelError} `onnx-unsupported`: the runtime takes tensors only */
export function toInputSpec(info: ValueInfo): TensorSpec {
  if (info.kind === undefined) return toSpec(info)
  throw unsupported(`its input "${info.name}" is ${info.kind}, and only tensors can be given`)
}

/**
 * The outputs that can be answered. Others are left out: a model is asked for some of its outputs only, as those of
 * scikit-learn, whose probabilities are a sequence of maps beside the label.
 *
 * @throws {ModelError} `onnx-unsupported`: there are no others, or one is of a type that the runtime refuses
 */
export function toOutputSpecs(outputs: readonly ValueInfo[]): TensorSpec[] {
  const left = outputs.filter(({ kind, type }) => kind === undefined && !fourBits.includes(type))
  const [first] = outputs
  if (left.length === 0 && first !== undefined) {
    const what = first.kind ?? 'a tensor of 4-bit numbers'
    throw unsupported(`its output "${first.name}" is ${what}, which cannot be read, and it has no other that can`)
  }
  return left.map(toSpec)
}
