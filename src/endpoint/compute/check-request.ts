import type { Manifest } from '../../contracts/manifest.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { checkInputs } from '../../models/manifest/check-inputs.ts'

/** Largest batch of one request: a free first dimension of an input that has more than one. */
export const maxBatch = 256

/**
 * Compares a request's inputs with what the model takes and the endpoint allows, before they reach a thread.
 *
 * @throws {ValidationError} as `checkInputs` of `models/`, and `input-shape` for a batch over the limit
 */
export function checkRequest(manifest: Manifest, inputs: TensorMap): void {
  checkInputs(manifest, inputs)
  for (const { name, shape = [] } of manifest.inputs) {
    const [batch = 0] = inputs[name]?.dims ?? []
    if (shape[0] === -1 && shape.length > 1 && batch > maxBatch) {
      throw new ValidationError(
        'input-shape',
        `The input "${name}" holds ${batch} items, and ${maxBatch} at a time are taken.`,
      )
    }
  }
}

/** @throws {ValidationError} `options-invalid` for an output that the model does not have */
export function checkOutputs({ outputs: specs }: Manifest, asked: readonly string[]): void {
  const names = specs.map(({ name }) => name)
  const unknown = asked.find((name) => !names.includes(name))
  if (unknown === undefined) return
  throw new ValidationError('options-invalid', `The model has no output ${unknown}; it gives ${names.join(', ')}.`)
}

/**
 * Holds an answer's types against the manifest, which is what the endpoint says of the model and what clients go by.
 *
 * @throws {CloudError} `cloud-failed`: the graph gives another type
 */
export function checkTypes({ name: model, outputs: specs }: Manifest, outputs: TensorMap): void {
  for (const { name, type } of specs) {
    const got = Object.hasOwn(outputs, name) ? outputs[name]?.type : undefined
    if (got === undefined || got === type) continue
    throw new CloudError(
      'cloud-failed',
      `The graph's output ${name} of ${model} is ${got}, and its manifest says ${type}.`,
      {
        context: { output: name, got, expected: type },
      },
    )
  }
}
