import type { OnnxNode, OnnxWeight } from './write-onnx.ts'

/** Puts a graph together, node by node. */
export interface GraphBuilder {
  /** Adds a node. @returns its output's name */
  add(operator: string, inputs: readonly string[], attributes?: OnnxNode['attributes'], domain?: string): string
  /**
   * Adds a node with several outputs.
   *
   * @param outputs how many, or what they are called: undefined has a name made for it, '' is one that nobody wants
   */
  addMany(
    operator: string,
    inputs: readonly string[],
    outputs: number | readonly (string | undefined)[],
    attributes?: OnnxNode['attributes'],
    domain?: string,
  ): string[]
  /** Names a node's output. */
  name(output: string, as: string): void
  weight(weight: OnnxWeight): string
  /** A constant of whole numbers. */
  ints(values: readonly number[], asScalar?: boolean): string
  float(value: number): string
  /** A constant from 0 to 255, as uint8. */
  byte(value: number): string
  floats(values: Float32Array, dims: readonly number[]): string
}

const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

/** @param prefix of the names that it gives. Default: none */
export function createGraphBuilder(
  prefix = '',
): GraphBuilder & { readonly nodes: OnnxNode[]; readonly weights: OnnxWeight[] } {
  const nodes: OnnxNode[] = []
  const weights: OnnxWeight[] = []
  const constants = new Map<string, string>()
  let count = 0
  const next = () => {
    count += 1
    return `${prefix}t${count}`
  }
  const constant = (
    key: string,
    weight: Omit<OnnxWeight, 'name' | 'bytes' | 'read'>,
    data: ArrayBufferView,
  ): string => {
    const known = constants.get(key)
    if (known !== undefined) return known
    const name = `${prefix}c${constants.size}`
    constants.set(key, name)
    const bytes = bytesOf(data)
    weights.push({ ...weight, name, bytes: bytes.length, read: () => bytes })
    return name
  }
  const add: GraphBuilder['add'] = (operator, inputs, attributes = {}, domain = undefined) => {
    const output = next()
    nodes.push({ operator, inputs, outputs: [output], attributes, ...(domain === undefined ? {} : { domain }) })
    return output
  }
  return {
    nodes,
    weights,
    add,
    addMany(operator, inputs, outputs, attributes = {}, domain = undefined) {
      const wanted = typeof outputs === 'number' ? Array<undefined>(outputs).fill(undefined) : outputs
      const names = wanted.map((name) => name ?? next())
      nodes.push({ operator, inputs, outputs: names, attributes, ...(domain === undefined ? {} : { domain }) })
      return names
    },
    name(output, as) {
      nodes.push({ operator: 'Identity', inputs: [output], outputs: [as] })
    },
    weight(weight) {
      if (!weights.some(({ name }) => name === weight.name)) weights.push(weight)
      return weight.name
    },
    ints: (values, asScalar = false) =>
      constant(
        `i${asScalar}${values}`,
        { type: 'int64', dims: asScalar ? [] : [values.length] },
        BigInt64Array.from(values, BigInt),
      ),
    float: (value) => constant(`f${value}`, { type: 'float32', dims: [] }, Float32Array.of(value)),
    byte: (value) => constant(`b${value}`, { type: 'uint8', dims: [] }, Uint8Array.of(value)),
    floats: (values, dims) => constant(`a${dims}:${values.join()}`, { type: 'float32', dims }, values),
  }
}
