import type { InkPreprocessing } from '../../contracts/preprocessing.ts'
import type { TensorData } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { findInk } from './find-ink.ts'
import type { Pixels } from './pixels.ts'
import { boundsOf, type Plane, resizeByArea } from './plane.ts'

/** Where a strip of `length` starts so that its centre of mass falls on the middle of `size`, kept inside. */
function placed(size: number, length: number, centre: number): number {
  return Math.max(0, Math.min(size - length, Math.round(size / 2 - centre)))
}

/** Centre of mass from the top left corner, in pixels; the middle of the first pixel is at 0.5. */
function centreOf({ width, data }: Plane): { x: number; y: number } {
  let mass = 0
  let x = 0
  let y = 0
  data.forEach((value, i) => {
    mass += value
    x += value * ((i % width) + 0.5)
    y += value * (Math.floor(i / width) + 0.5)
  })
  return { x: x / mass, y: y / mass }
}

/**
 * A drawing as the model's input: `[1, 1, size, size]` of uint8, strokes light on 0. The strokes are found, cropped,
 * scaled by area so that their longest side is `inkSize`, and placed with their centre of mass in the middle: where
 * and how large something was drawn makes no difference.
 *
 * @throws {ValidationError} `picture-empty` when nothing is drawn
 */
export function inkToTensor(pixels: Pixels, { size, inkSize }: InkPreprocessing): TensorData {
  const ink = findInk(pixels)
  const box = ink && boundsOf(ink)
  if (ink === undefined || box === undefined) {
    throw new ValidationError('picture-empty', 'There is nothing drawn here yet.')
  }
  const scale = Math.min(inkSize, size) / Math.max(box.width, box.height)
  const width = Math.max(1, Math.round(box.width * scale))
  const height = Math.max(1, Math.round(box.height * scale))
  const small = resizeByArea(ink, box, width, height)
  const centre = centreOf(small)
  const left = placed(size, width, centre.x)
  const top = placed(size, height, centre.y)
  const peak = small.data.reduce((most, value) => Math.max(most, value), 0)
  const data = new Uint8Array(size * size)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      data[(top + y) * size + left + x] = Math.round(((small.data[y * width + x] ?? 0) / peak) * 255)
    }
  }
  return { type: 'uint8', dims: [1, 1, size, size], data }
}
