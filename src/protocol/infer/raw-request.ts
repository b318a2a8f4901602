import type { TensorSpec } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { arrayKind } from '../tensors/datatypes.ts'
import { fromTensorBytes } from '../tensors/tensor-bytes.ts'
import { checkTextSize, type InferRequest } from './infer-request.ts'

/**
 * Reads a raw request: a body without JSON, which is the one input's bytes. Its one free dimension follows from the
 * number of bytes. Outputs are binary.
 *
 * Source: https://github.com/triton-inference-server/server, docs/protocol/extension_binary_data.md, "Raw Binary Request"
 *
 * @throws {ValidationError} the model has not one input, more than one of its dimensions is free, or the bytes do not fit
 */
export function parseRawRequest(body: Uint8Array, specs: readonly TensorSpec[]): InferRequest {
  const [spec, ...others] = specs
  if (spec === undefined || others.length > 0) {
    throw new ValidationError('options-invalid', 'A raw request needs a model with one input; send JSON with it.')
  }
  if (spec.type === 'string') checkTextSize(spec.name, 1, body.length)
  return {
    inputs: { [spec.name]: fromTensorBytes(spec.type, dimsOf(spec, body.length), body) },
    binaryOutputs: true,
    parameters: {},
  }
}

function dimsOf({ name, type, shape = [-1] }: TensorSpec, bytes: number): readonly number[] {
  const free = shape.filter((size) => size === -1).length
  if (free > 1) {
    throw new ValidationError(
      'input-shape',
      `A raw request can't tell the shape of ${name}: more than one dimension is free.`,
    )
  }
  if (type === 'string') {
    const rest = shape.filter((size) => size !== -1).reduce((product, size) => product * size, 1)
    if (rest !== 1)
      throw new ValidationError('input-shape', `A raw request holds one string, and ${name} takes ${rest}.`)
    return shape.map(() => 1)
  }
  const row = shape
    .filter((size) => size !== -1)
    .reduce((product, size) => product * size, arrayKind(type).BYTES_PER_ELEMENT)
  // What does not divide is refused with the bytes that one row has.
  const rows = row > 0 && bytes % row === 0 ? bytes / row : 1
  return shape.map((size) => (size === -1 ? rows : size))
}
