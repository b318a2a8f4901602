import type { Manifest } from '../contracts/manifest.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { ModelError } from '../errors/model-error.ts'
import { type Classification, toClassification } from './classify.ts'

/**
 * A model's outputs as an answer; undefined for a model whose task has none.
 *
 * @throws {ModelError} `model-wrong-answer`
 */
export function answerFor(manifest: Manifest, outputs: TensorMap): Classification | undefined {
  const [spec] = manifest.outputs
  const classifies = manifest.task === 'image-classification' || manifest.task === 'text-classification'
  if (!classifies || manifest.labels === undefined || spec === undefined) return undefined
  const output = outputs[spec.name]
  if (output === undefined) {
    throw new ModelError('model-wrong-answer', `The model gave no output named “${spec.name}”.`, {
      context: { model: manifest.name },
    })
  }
  return toClassification(output, manifest.labels)
}
