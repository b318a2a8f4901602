import type { Manifest } from '../../../contracts/manifest.ts'
import type { TensorMap } from '../../../contracts/tensor.ts'
import { ValidationError } from '../../../errors/validation-error.ts'
import { readSideOf } from '../../../tasks/pictures/picture-limits.ts'
import { fullSizeOf, toTransferablePicture, whenFetched } from '../../../tasks/pictures/to-transferable-picture.ts'
import { readGiven } from '../../../utils/read-given.ts'
import type { Background } from '../../background/create-background.ts'
import type { RunInputs } from '../../types/run-types.ts'
import { inputTensors } from './tensor-maps.ts'

/** A tensor has dims of its own, or its class has; what every object inherits does not count. */
const isTensorLike = (value: object): boolean =>
  Object.hasOwn(value, 'dims') || ('dims' in value && Array.isArray(value.dims))

/** True for `{ image }` with something that is no tensor: a picture. */
const isPicture = (inputs: RunInputs): inputs is { readonly image: Exclude<RunInputs['image'], TensorMap[string]> } =>
  Object.keys(inputs).length === 1 &&
  Object.hasOwn(inputs, 'image') &&
  !(typeof inputs.image === 'object' && inputs.image !== null && isTensorLike(inputs.image))

/**
 * Makes a run's inputs, a picture or tensors, the model's inputs.
 *
 * @throws {ValidationError} it does not fit the model, or can't be read
 */
export async function toTensors(
  manifest: Manifest,
  inputs: RunInputs,
  background: Pick<Background, 'prepareInputs'>,
): Promise<TensorMap> {
  if (typeof inputs !== 'object' || inputs === null) {
    throw new ValidationError('input-missing', 'A run takes a picture or tensors by input name.')
  }
  const given = readGiven(
    () => (isPicture(inputs) ? { image: inputs.image } : { tensors: inputTensors(manifest, inputs as TensorMap) }),
    'input-values',
    `The inputs of "${manifest.name}" cannot be read: reading them throws. Give plain objects and arrays.`,
  )
  if ('tensors' in given) return given.tensors
  await whenFetched(given.image)
  const full = fullSizeOf(given.image)
  const picture = await toTransferablePicture(given.image, readSideOf(manifest))
  return (await background.prepareInputs(manifest, picture, full)).inputs
}
