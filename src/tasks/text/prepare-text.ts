import type { Manifest } from '../../contracts/manifest.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { textToTensor } from './text-to-tensor.ts'

/**
 * Turns a text into a model's input, as its manifest says. Runs in a worker.
 *
 * @throws {ValidationError} `input-unexpected` when the model takes no text; `text-empty`
 */
export function prepareText(
  { name, preprocessing, inputs }: Pick<Manifest, 'name' | 'preprocessing' | 'inputs'>,
  text: string,
): TensorMap {
  const [input] = inputs
  if (preprocessing?.kind === 'text' && input !== undefined) return { [input.name]: textToTensor(text, preprocessing) }
  throw new ValidationError('input-unexpected', `The model “${name}” takes no text.`, { context: { model: name } })
}
