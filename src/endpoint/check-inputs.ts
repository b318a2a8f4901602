import type { Manifest } from '../contracts/manifest.ts'
import type { TensorMap, TensorSpec } from '../contracts/tensor.ts'
import { ValidationError } from '../errors/validation-error.ts'
import { toDatatype } from '../protocol/datatypes.ts'

/** Largest batch of one request: a free first dimension of an input that has more than one. */
export const maxBatch = 256

/**
 * Compares a request's inputs with what the model takes, before they reach a thread.
 *
 * @throws {ValidationError} `input-missing`, `input-unexpected`, `input-type` or `input-shape`
 */
export function checkInputs({ inputs: specs }: Manifest, inputs: TensorMap): void {
  const names = specs.map(({ name }) => name)
  const extra = Object.keys(inputs).find((name) => !names.includes(name))
  if (extra !== undefined) {
    throw new ValidationError('input-unexpected', `The model has no input ${extra}; it takes ${names.join(', ')}.`)
  }
  for (const spec of specs) checkInput(spec, inputs)
}

function checkInput({ name, type, shape }: TensorSpec, inputs: TensorMap): void {
  const tensor = Object.hasOwn(inputs, name) ? inputs[name] : undefined
  if (tensor === undefined) throw new ValidationError('input-missing', `The input ${name} is missing.`)
  if (tensor.type !== type) {
    throw new ValidationError(
      'input-type',
      `The input ${name} must be ${toDatatype(type)}, and ${toDatatype(tensor.type)} was sent.`,
    )
  }
  const fits =
    tensor.dims.length === shape.length && shape.every((size, axis) => size === -1 || size === tensor.dims[axis])
  if (!fits) {
    throw new ValidationError(
      'input-shape',
      `The input ${name} must have shape [${shape}] (-1: any size), and [${tensor.dims}] was sent.`,
    )
  }
  const [batch = 0] = tensor.dims
  if (shape[0] === -1 && shape.length > 1 && batch > maxBatch) {
    throw new ValidationError(
      'input-shape',
      `The input ${name} holds ${batch} items, and ${maxBatch} at a time are taken.`,
    )
  }
}

/** @throws {ValidationError} `options-invalid` for an output that the model does not have */
export function checkOutputs({ outputs: specs }: Manifest, asked: readonly string[]): void {
  const names = specs.map(({ name }) => name)
  const unknown = asked.find((name) => !names.includes(name))
  if (unknown === undefined) return
  throw new ValidationError('options-invalid', `The model has no output ${unknown}; it gives ${names.join(', ')}.`)
}
