import type { Manifest } from '../contracts/manifest.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { ValidationError } from '../errors/validation-error.ts'
import { inkToTensor } from './ink-to-tensor.ts'
import { readPicture } from './read-picture.ts'
import type { TransferablePicture } from './transferable-picture.ts'

/**
 * Turns a picture into a model's input, as its manifest says. Runs in a worker.
 *
 * @throws {ValidationError} `input-unexpected` when the model takes no picture; `picture-unreadable`,
 * `picture-too-large` or `picture-empty`
 */
export async function prepareInputs(manifest: Manifest, picture: TransferablePicture): Promise<TensorMap> {
  const { preprocessing, inputs } = manifest
  const [input] = inputs
  if (preprocessing?.kind !== 'ink' || input === undefined) {
    throw new ValidationError('input-unexpected', `The model “${manifest.name}” takes no picture.`, {
      context: { model: manifest.name },
    })
  }
  return { [input.name]: inkToTensor(await readPicture(picture), preprocessing) }
}
