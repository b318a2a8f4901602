import { type Plane, resizeByArea } from './plane.ts'

/** Cells on the longest side of the coarse grid that the background is estimated on. */
const gridSide = 64

/** Strokes up to a third of the grid wide are taken for ink, anything wider for light and shade. */
const strokeRadius = 10

/** Smallest (or with `sign` -1 largest) value within `radius` along one axis. */
function extremeAlong(data: Float32Array, count: number, stride: number, start: number, sign: 1 | -1): void {
  const line = Float32Array.from({ length: count }, (_, i) => sign * (data[start + i * stride] ?? 0))
  for (let i = 0; i < count; i += 1) {
    let least = Number.POSITIVE_INFINITY
    for (let j = Math.max(0, i - strokeRadius); j <= Math.min(count - 1, i + strokeRadius); j += 1) {
      least = Math.min(least, line[j] ?? 0)
    }
    data[start + i * stride] = sign * least
  }
}

function extreme({ width, height, data }: Plane, sign: 1 | -1): void {
  for (let y = 0; y < height; y += 1) extremeAlong(data, width, 1, y * width, sign)
  for (let x = 0; x < width; x += 1) extremeAlong(data, height, width, x, sign)
}

function sampleBetween({ width, height, data }: Plane, x: number, y: number): number {
  const left = Math.max(0, Math.min(width - 1, x))
  const top = Math.max(0, Math.min(height - 1, y))
  const x0 = Math.floor(left)
  const y0 = Math.floor(top)
  const x1 = Math.min(width - 1, x0 + 1)
  const y1 = Math.min(height - 1, y0 + 1)
  const at = (column: number, row: number) => data[row * width + column] ?? 0
  const upper = at(x0, y0) + (at(x1, y0) - at(x0, y0)) * (left - x0)
  const lower = at(x0, y1) + (at(x1, y1) - at(x0, y1)) * (left - x0)
  return upper + (lower - upper) * (top - y0)
}

/**
 * What of `plane` rises above its surroundings: takes from each pixel a coarse background, which is the plane after
 * a morphological opening that no stroke survives.
 */
export function flattenLight(plane: Plane): Plane {
  const { width, height } = plane
  const scale = Math.min(1, gridSide / Math.max(width, height))
  const columns = Math.max(1, Math.round(width * scale))
  const rows = Math.max(1, Math.round(height * scale))
  const grid = resizeByArea(plane, { x: 0, y: 0, width, height }, columns, rows)
  extreme(grid, 1)
  extreme(grid, -1)
  const data = plane.data.map((value, i) => {
    const x = ((i % width) + 0.5) * (columns / width) - 0.5
    const y = (Math.floor(i / width) + 0.5) * (rows / height) - 0.5
    return value - sampleBetween(grid, x, y)
  })
  return { width, height, data }
}
