import type { Manifest } from '../../../contracts/manifest.ts'
import type { TensorMap } from '../../../contracts/tensor.ts'
import { CloudError } from '../../../errors/cloud-error.ts'
import { isShapeOf, toShapeText } from '../../../models/manifest/shapes.ts'

/**
 * Holds an endpoint's outputs against the model's: another model under the same name must not pass for this one.
 *
 * @throws {CloudError} `cloud-bad-response`, with what does not fit
 */
export function checkAnswer(
  { name: model, outputs: specs }: Pick<Manifest, 'name' | 'outputs'>,
  outputs: TensorMap,
): void {
  for (const { name, shape } of specs) {
    const output = outputs[name]
    if (output !== undefined && isShapeOf(output.dims, shape)) continue
    const got = output === undefined ? 'missing' : toShapeText(output.dims)
    throw new CloudError(
      'cloud-bad-response',
      `The endpoint's output ${name} of ${model} is ${got}, but should be ${toShapeText(shape)}.`,
    )
  }
}
