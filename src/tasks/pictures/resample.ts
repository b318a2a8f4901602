import type { PicturePreprocessing } from '../../contracts/preprocessing.ts'
import type { Pixels } from './pixels.ts'
import type { Box } from './plane.ts'

type Filter = NonNullable<PicturePreprocessing['resample']>

/** Half the filter's width and its weight at a distance, both in new pixels when a picture shrinks. */
const filters: Record<Filter, { readonly support: number; readonly weight: (x: number) => number }> = {
  area: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: cubic },
}

/** Keys' cubic with a = −0.75, as OpenCV and PyTorch have it. Source: R. Keys, Cubic convolution, IEEE ASSP-29 (1981). */
function cubic(x: number): number {
  const a = -0.75
  const d = Math.abs(x)
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0
}

interface Taps {
  readonly first: number
  readonly weights: Float32Array
}

/** For each new pixel, which of the old ones count, and how much. */
function tapsOf(from: number, length: number, limit: number, count: number, filter: Filter): Taps[] {
  const { support, weight } = filters[filter]
  const ratio = length / count
  const spread = Math.max(1, ratio)
  return Array.from({ length: count }, (_, index) => {
    const centre = from + (index + 0.5) * ratio
    const first = Math.max(0, Math.min(limit - 1, Math.floor(centre - support * spread + 0.5)))
    const end = Math.max(first + 1, Math.min(limit, Math.floor(centre + support * spread + 0.5)))
    const weights = Float32Array.from({ length: end - first }, (_, i) => weight((first + i + 0.5 - centre) / spread))
    const sum = weights.reduce((total, value) => total + value, 0)
    // Where the whole filter falls between two pixels, the nearest one counts.
    return sum === 0 ? { first, weights: Float32Array.of(1) } : { first, weights: weights.map((value) => value / sum) }
  })
}

/**
 * A part of a picture at another size, as red, green and blue planes of 0 to 255. The filter is spread over all
 * that a new pixel covers, so fine patterns do not come back as coarse ones.
 *
 * @param part in pixels, not beyond the picture
 */
export function resample(pixels: Pixels, part: Box, width: number, height: number, filter: Filter): Float32Array[] {
  const columns = tapsOf(part.x, part.width, pixels.width, width, filter)
  const rows = tapsOf(part.y, part.height, pixels.height, height, filter)
  const top = rows[0]?.first ?? 0
  const last = rows.at(-1)
  const bottom = last === undefined ? top : last.first + last.weights.length
  const narrow = new Float32Array((bottom - top) * width * 3)
  for (let y = top; y < bottom; y += 1) {
    let at = (y - top) * width * 3
    for (const { first, weights } of columns) {
      let red = 0
      let green = 0
      let blue = 0
      let source = (y * pixels.width + first) * 4
      for (let i = 0; i < weights.length; i += 1, source += 4) {
        const share = weights[i] ?? 0
        red += share * (pixels.data[source] ?? 0)
        green += share * (pixels.data[source + 1] ?? 0)
        blue += share * (pixels.data[source + 2] ?? 0)
      }
      narrow[at] = red
      narrow[at + 1] = green
      narrow[at + 2] = blue
      at += 3
    }
  }
  const planes = [0, 1, 2].map(() => new Float32Array(width * height))
  rows.forEach(({ first, weights }, y) => {
    planes.forEach((plane, channel) => {
      for (let x = 0; x < width; x += 1) {
        let sum = 0
        for (let i = 0; i < weights.length; i += 1) {
          sum += (weights[i] ?? 0) * (narrow[((first - top + i) * width + x) * 3 + channel] ?? 0)
        }
        plane[y * width + x] = sum
      }
    })
  })
  return planes
}
