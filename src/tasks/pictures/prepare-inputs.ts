import type { Manifest } from '../../contracts/manifest.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { inkToTensor } from './ink-to-tensor.ts'
import { readSideOf } from './picture-limits.ts'
import { pictureToTensor } from './picture-to-tensor.ts'
import { type PictureView, scaleView } from './picture-view.ts'
import { readPicture } from './read-picture.ts'
import type { PictureSize } from './size-reader.ts'
import type { TransferablePicture } from './transferable-picture.ts'

/** The parts of a manifest that say how inputs are prepared. */
export type PreparedBy = Pick<Manifest, 'name' | 'inputs' | 'preprocessing'>

/** A picture as tensors, and how it lies in them. */
export interface PreparedPicture {
  readonly inputs: TensorMap
  readonly view: PictureView
}

/**
 * Turns a picture into a model's input, as its manifest says. Runs in a worker.
 *
 * @param full the picture's own size, where it was made smaller on its way here
 * @throws {ValidationError} `input-unexpected` when the model takes no picture; `picture-unreadable`,
 * `picture-too-large` or `picture-empty`
 */
export async function prepareInputs(
  manifest: PreparedBy,
  picture: TransferablePicture,
  full?: PictureSize,
): Promise<PreparedPicture> {
  const { preprocessing, inputs } = manifest
  const [input] = inputs
  if (input === undefined || (preprocessing?.kind !== 'ink' && preprocessing?.kind !== 'picture')) {
    throw new ValidationError('input-unexpected', `The model “${manifest.name}” takes no picture.`, {
      context: { model: manifest.name },
    })
  }
  const pixels = await readPicture(picture, readSideOf(manifest))
  const size = full ?? pixels.full
  if (preprocessing.kind === 'ink') {
    const shown = { x: 0, y: 0, ...size }
    return { inputs: { [input.name]: inkToTensor(pixels, preprocessing) }, view: { size, shown } }
  }
  const { tensor, view } = pictureToTensor(pixels, preprocessing)
  return { inputs: { [input.name]: tensor }, view: scaleView(view, size) }
}
