import type { TensorSpec } from '../../contracts/tensor.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import type { ByteSource } from './byte-source.ts'
import { createOnnxCursor, type Field, type OnnxCursor, unreadable, unsupported } from './onnx-cursor.ts'
import type { OutsideWeight } from './outside-weight.ts'
import { createGraphReader } from './read-graph.ts'
import { toInputSpec, toOutputSpecs } from './read-value-info.ts'

/** What an ONNX file says of itself. */
export interface OnnxHeader {
  /** The version of ONNX's own operators; undefined where it uses none of them. */
  readonly opset: number | undefined
  readonly inputs: readonly TensorSpec[]
  /** Those that can be answered: tensors. */
  readonly outputs: readonly TensorSpec[]
  /** Files beside it that hold weights, as it names them. */
  readonly externalData: readonly string[]
  /** All weights that lie in these files. */
  readonly outside: readonly Omit<OutsideWeight, 'refusal'>[]
  /** Elements of all weights together. */
  readonly weights: number
}

/** OperatorSetIdProto: domain 1, version 2. */
async function readOpset(cursor: OnnxCursor, field: Field): Promise<{ domain: string; version: number }> {
  const opset = { domain: '', version: 1 }
  for await (const part of cursor.fields(field)) {
    if (part.tag === 1) opset.domain = await cursor.text(part)
    else if (part.tag === 2) opset.version = part.value
  }
  return opset
}

/** What a walk over the whole file finds. @throws {ModelError} `onnx-unreadable` */
async function walkModel(source: ByteSource) {
  const cursor = createOnnxCursor(source)
  const reader = createGraphReader(cursor)
  const opsets: { readonly domain: string; readonly version: number }[] = []
  let hasGraph = false
  // ModelProto: graph 7, opset_import 8, functions 25.
  for await (const field of cursor.fields({ start: 0, end: source.size })) {
    if (!field.hasLength) continue
    if (field.tag === 7) {
      hasGraph = true
      await reader.readGraph(field)
    } else if (field.tag === 8) opsets.push(await readOpset(cursor, field))
    else if (field.tag === 25) await reader.readFunction(field)
  }
  return { ...reader.found(), hasGraph, opsets }
}

/** The weights that lie in other files. @throws {ModelError} as `readOnnx`, for what it says of these alone */
function readable(outside: readonly OutsideWeight[]): OnnxHeader['outside'] {
  return outside.map(({ refusal, ...weight }) => {
    if (refusal !== undefined) throw refusal
    return weight
  })
}

/**
 * Reads a model's inputs, outputs and opset from the file itself, and holds it against what the runtime of browsers can
 * load. Weights are stepped over, not read: a file of gigabytes takes as little memory as a small one.
 *
 * Source of the field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 *
 * @throws {ModelError} `onnx-unreadable`: it is no model; `onnx-unsupported`: it is one that cannot run in a browser,
 *   with the reason
 */
export async function readOnnx(source: ByteSource): Promise<OnnxHeader> {
  const { inputs, outputs, weightNames, weights, outside, hasGraph, opsets } = await walkModel(source)
  if (!hasGraph) throw unreadable('it has no graph')
  if (opsets.length === 0) throw unreadable('it does not say which version of which operators it uses')
  // Older files list their weights among the inputs.
  const given = inputs.filter(({ name }) => !weightNames.has(name))
  if (outputs.length === 0) throw unreadable('it has no outputs')
  if (given.length === 0) throw unsupported('it takes no inputs, so there is nothing to run it on')
  const readableOutside = readable(outside)
  return {
    opset: opsets.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version,
    inputs: given.map(toInputSpec),
    outputs: toOutputSpecs(outputs),
    externalData: [...new Set(outside.map(({ file }) => file))],
    outside: readableOutside,
    weights,
  }
}

/**
 * The weights of a model that lie in other files: for one that came with a manifest, which says the rest. None, where
 * the file is no ONNX model that can be read.
 *
 * @throws {ModelError} `onnx-unreadable`, `onnx-unsupported`: the runtime does not read them from there
 */
export async function readOutsideWeights(source: ByteSource): Promise<OnnxHeader['outside']> {
  const model = await walkModel(source).catch((error: unknown) => {
    if (isHitherError(error)) return undefined
    throw error
  })
  return readable(model?.outside ?? [])
}
