import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import type { TensorSpec } from '../../contracts/tensor.ts'
import { parseManifest } from '../manifest/parse-manifest.ts'
import type { OnnxHeader } from './read-onnx.ts'

/** A name that a manifest may have, from a file's or a repository's. */
export function toModelName(text: string): string {
  const plain = text
    .replace(/\.onnx$/i, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 100)
  return plain === '' ? 'model' : plain
}

/**
 * Sizes that an ONNX file states of its outputs are no promise: exporters write down what they saw, and the runtime
 * does not hold answers against them. They are kept where the inputs leave nothing open. Where the number of items is
 * open, the answer's is, too; where more is open, any of the answer's sizes may follow it.
 */
function outputShape(shape: readonly number[] | undefined, inputs: OnnxHeader['inputs']): number[] | undefined {
  const isOpen = (from: number) => inputs.some((input) => input.shape?.slice(from).includes(-1) ?? true)
  if (shape === undefined || !isOpen(0)) return shape && [...shape]
  return shape.map((size, axis) => (axis === 0 || isOpen(1) ? -1 : size))
}

const withShape = (spec: TensorSpec, shape: number[] | undefined): Manifest['inputs'][number] => ({
  name: spec.name,
  type: spec.type,
  ...(shape === undefined ? {} : { shape }),
})

export interface DraftFacts {
  readonly name: string
  readonly title: string
  readonly revision: string
  readonly files: readonly ModelFile[]
  readonly graph: string
  readonly license?: Manifest['license'] | undefined
  readonly precision?: Manifest['precision'] | undefined
  readonly requires?: Manifest['requires'] | undefined
}

/**
 * Drafts the manifest of a model that came without one, from what its file says: inputs, outputs, opset. What a file
 * does not say is assumed: one multiply-accumulate a weight, until runs have been measured.
 *
 * @throws {ModelError} `manifest-invalid`
 */
export function draftManifest(facts: DraftFacts, header: OnnxHeader): Manifest {
  const { name, title, revision, files, graph, license, precision, requires } = facts
  const draft: Manifest = {
    format: 1,
    name,
    revision,
    title,
    description: '',
    task: 'tensors',
    license: license ?? { name: 'not stated' },
    files: [...files],
    graph,
    ...(header.externalData.length === 0 ? {} : { externalData: [...header.externalData] }),
    ...(precision === undefined ? {} : { precision }),
    ...(requires === undefined ? {} : { requires }),
    ...(header.opset === undefined ? {} : { opset: header.opset }),
    inputs: header.inputs.map((spec) => withShape(spec, spec.shape && [...spec.shape])),
    outputs: header.outputs.map((spec) => withShape(spec, outputShape(spec.shape, header.inputs))),
    complexity: { macs: Math.max(1, header.weights) },
    tolerance: { absolute: 1e-3 },
  }
  return parseManifest(draft, title)
}
