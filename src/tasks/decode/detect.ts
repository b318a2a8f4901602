import type { BoxesDecoding, GridDecoding } from '../../contracts/decoding.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { clamp } from '../../utils/clamp.ts'
import type { PictureView } from '../pictures/picture-view.ts'
import type { Box } from '../pictures/plane.ts'
import { decodeBoxes, decodeGrid } from './decode-finds.ts'
import { keepMaxima } from './non-maximum.ts'

/** Something that was found in a picture. */
export interface Detection {
  readonly label: string
  /** How sure the model is, 0 to 1. */
  readonly score: number
  /** Where, in the pixels of the upright picture that was given: left, top, width and height. */
  readonly box: Box
}

/** What was found in a picture, the surest first. */
export interface Detections {
  /** The picture's size, upright: what the boxes count in. */
  readonly width: number
  readonly height: number
  readonly detections: readonly Detection[]
}

/** A box as a share of the input, in the picture's pixels and not beyond its edges. */
function toPicture(box: Box, { size, shown }: PictureView): Box {
  const left = clamp(shown.x + box.x * shown.width, 0, size.width)
  const top = clamp(shown.y + box.y * shown.height, 0, size.height)
  const right = clamp(shown.x + (box.x + box.width) * shown.width, 0, size.width)
  const bottom = clamp(shown.y + (box.y + box.height) * shown.height, 0, size.height)
  return { x: left, y: top, width: right - left, height: bottom - top }
}

/**
 * A detector's outputs as finds in the picture.
 *
 * @param labels of the classes; a find without one is called by its number
 * @throws {ModelError} `model-wrong-answer`
 */
export function toDetections(
  outputs: TensorMap,
  decoding: BoxesDecoding | GridDecoding,
  labels: readonly string[],
  view: PictureView,
): Detections {
  const finds = decoding.kind === 'boxes' ? decodeBoxes(outputs, decoding) : decodeGrid(outputs, decoding)
  const kept = keepMaxima(finds, decoding.maxOverlap, decoding.overlapByLabel === true)
  const detections = kept
    .map(({ box, label, score }) => ({ label: labels[label] ?? String(label), score, box: toPicture(box, view) }))
    // A find in the bars is outside the picture.
    .filter(({ box }) => box.width > 0 && box.height > 0)
  return { ...view.size, detections }
}
