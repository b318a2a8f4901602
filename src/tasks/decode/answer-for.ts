import type { Manifest } from '../../contracts/manifest.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { ModelError } from '../../errors/model-error.ts'
import type { PictureView } from '../pictures/picture-view.ts'
import { type Classification, toClassification } from './classify.ts'
import { type Detections, toDetections } from './detect.ts'

/** The parts of a manifest that say how boxes are read. */
export type DecodedBy = Pick<Manifest, 'name' | 'decoding' | 'labels'>

/** The output that holds the classes, and whether it holds logits. */
function classesOf({ decoding, outputs }: Manifest): { output: string; softmax: boolean } | undefined {
  if (decoding?.kind === 'classes') return { output: decoding.output, softmax: decoding.softmax === true }
  const [first] = outputs
  return decoding === undefined && first !== undefined ? { output: first.name, softmax: false } : undefined
}

/**
 * A classifier's outputs as an answer; undefined for a model of another task.
 *
 * @throws {ModelError} `model-wrong-answer`
 */
export function answerFor(manifest: Manifest, outputs: TensorMap): Classification | undefined {
  const classes = classesOf(manifest)
  const classifies = manifest.task === 'image-classification' || manifest.task === 'text-classification'
  if (!classifies || manifest.labels === undefined || classes === undefined) return undefined
  const output = outputs[classes.output]
  if (output === undefined) {
    throw new ModelError('model-wrong-answer', `The model gave no output named “${classes.output}”.`, {
      context: { model: manifest.name },
    })
  }
  return toClassification(output, manifest.labels, classes.softmax)
}

/**
 * A detector's outputs as an answer. Runs in a worker: there are thousands of boxes to go through.
 *
 * @throws {ModelError} `model-wrong-answer`, or `manifest-invalid` for a model that is no detector
 */
export function detectionsFor(manifest: DecodedBy, outputs: TensorMap, view: PictureView): Detections {
  const { decoding, labels = [] } = manifest
  if (decoding?.kind === 'boxes' || decoding?.kind === 'grid') return toDetections(outputs, decoding, labels, view)
  throw new ModelError('manifest-invalid', `The manifest of “${manifest.name}” does not say how boxes are read.`)
}
