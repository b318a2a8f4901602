import { PbfReader } from 'pbf'
import { type Field, type OnnxCursor, unreadable } from './onnx-cursor.ts'
import { type OutsideWeight, toOutsideWeight } from './outside-weight.ts'
import { readValueInfo, type ValueInfo } from './read-value-info.ts'

/** A branch in a branch in a branch: no model that anybody made goes deeper. */
const maxDepth = 64

interface Place {
  readonly inBranch: boolean
  readonly depth: number
}

const inBranch = 'lie in a branch or a loop of the graph'

/** A varint that was read as if it had no sign: which of the negative numbers it was is lost. */
const signed = (value: number) => (value >= 2 ** 63 ? -1 : value)

/** StringStringEntryProto: key 1, value 2. @throws {ModelError} `onnx-unreadable` */
function readEntry(bytes: Uint8Array): { key: string; value: string } {
  try {
    return new PbfReader(bytes).readFields(
      (tag, entry, pbf) => {
        if (tag === 1) entry.key = pbf.readString()
        else if (tag === 2) entry.value = pbf.readString()
      },
      { key: '', value: '' },
    )
  } catch (error) {
    throw unreadable(`it says in a damaged way where its weights lie (${String(error)})`)
  }
}

/**
 * Walks over a graph and the functions beside it: weights, wherever they stand, are counted and stepped over.
 *
 * Source of the field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export function createGraphReader(cursor: OnnxCursor) {
  const inputs: ValueInfo[] = []
  const outputs: ValueInfo[] = []
  const weightNames = new Set<string>()
  const outside: { readonly weight: OutsideWeight; readonly unlessTaken: boolean }[] = []
  /** What nodes and graphs take, in any scope. */
  const taken = new Set<string>()
  let weights = 0

  /** TensorProto: dims 1, data_type 2, name 8, external_data 13, data_location 14. */
  const readTensor = async (field: Field, problem: string | undefined, takenAs?: string): Promise<string> => {
    const dims: number[] = []
    const entries = new Map<string, string>()
    let name = ''
    let type = 0
    let liesOutside = false
    for await (const part of cursor.fields(field)) {
      if (part.tag === 1 && !part.hasLength) dims.push(signed(part.value))
      else if (part.tag === 1) {
        const packed = new PbfReader(await cursor.content(part))
        while (packed.pos < packed.length) dims.push(packed.readVarint(true))
      } else if (part.tag === 2) type = part.value
      else if (part.tag === 8) name = await cursor.text(part)
      else if (part.tag === 13) {
        const { key, value } = readEntry(await cursor.content(part))
        entries.set(key, value)
      } else if (part.tag === 14) liesOutside = part.value === 1
    }
    const elements = dims.reduce((product, size) => product * size, 1)
    if (Number.isFinite(elements)) weights += Math.max(0, elements)
    if (liesOutside) {
      const weight = toOutsideWeight({ name: takenAs ?? name, dims, type, entries }, problem)
      outside.push({ weight, unlessTaken: problem === undefined })
    }
    return name
  }

  /** SparseTensorProto: values 1, indices 2. */
  const readSparse = async (field: Field): Promise<string> => {
    let name = ''
    for await (const part of cursor.fields(field)) {
      if (part.tag !== 1 && part.tag !== 2) continue
      const own = await readTensor(part, 'are sparse')
      if (part.tag === 1) name = own
    }
    return name
  }

  /** NodeProto: input 1, output 2, op_type 4, attribute 5, domain 7. AttributeProto: t 5, g 6, tensors 10, graphs 11, sparse 22 and 23. */
  const readNode = async (node: Field, place: Place): Promise<void> => {
    let operator = ''
    let domain = ''
    let output: string | undefined
    const attributes: Field[] = []
    for await (const field of cursor.fields(node)) {
      if (field.tag === 1) taken.add(await cursor.text(field))
      else if (field.tag === 2) output ??= await cursor.text(field)
      else if (field.tag === 4) operator = await cursor.text(field)
      else if (field.tag === 5) attributes.push(field)
      else if (field.tag === 7) domain = await cursor.text(field)
    }
    const isConstant = operator === 'Constant' && (domain === '' || domain === 'ai.onnx')
    const problem = place.inBranch ? inBranch : isConstant ? undefined : `lie in an attribute of ${operator}`
    for (const attribute of attributes) {
      for await (const field of cursor.fields(attribute)) {
        if (!field.hasLength) continue
        if (field.tag === 5 || field.tag === 10) await readTensor(field, problem, output)
        else if (field.tag === 6 || field.tag === 11) await readBody(field, { ...place, inBranch: true }, false)
        else if (field.tag === 22 || field.tag === 23) await readSparse(field)
      }
    }
  }

  /** GraphProto: node 1, initializer 5, input 11, output 12, sparse_initializer 15. */
  const readBody = async (graph: Field, outer: Place, isMain: boolean): Promise<void> => {
    const place = { ...outer, depth: outer.depth + 1 }
    if (place.depth > maxDepth) throw unreadable('its graphs lie too deep in each other')
    for await (const field of cursor.fields(graph)) {
      if (!field.hasLength) continue
      if (field.tag === 1) await readNode(field, place)
      else if (field.tag === 5 || field.tag === 15) {
        const problem = place.inBranch ? inBranch : undefined
        const name = await (field.tag === 5 ? readTensor(field, problem) : readSparse(field))
        if (isMain) weightNames.add(name)
      } else if (isMain && field.tag === 11) inputs.push(readValueInfo(await cursor.content(field)))
      else if (field.tag === 12) {
        const info = readValueInfo(await cursor.content(field))
        taken.add(info.name)
        if (isMain) outputs.push(info)
      }
    }
  }

  return {
    /** @throws {ModelError} `onnx-unreadable` */
    readGraph: (graph: Field) => readBody(graph, { inBranch: false, depth: 0 }, true),
    /** FunctionProto: output 5, node 7. The runtime lays it into the graph. @throws {ModelError} `onnx-unreadable` */
    async readFunction(field: Field): Promise<void> {
      for await (const part of cursor.fields(field)) {
        if (part.tag === 5) taken.add(await cursor.text(part))
        else if (part.tag === 7 && part.hasLength) await readNode(part, { inBranch: false, depth: 0 })
      }
    },
    /** All that was found. The runtime drops weights that nothing takes before it looks for them. */
    found: () => ({
      inputs,
      outputs,
      weightNames,
      weights,
      outside: outside
        .filter(({ weight, unlessTaken }) => !unlessTaken || taken.has(weight.name))
        .map(({ weight }) => weight),
    }),
  }
}
