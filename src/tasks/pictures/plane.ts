/** One number for each pixel, row by row. */
export interface Plane {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
}

/** A part of a plane: left, top, width and height in pixels. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Weights with which `count` cells of equal width cover `length` pixels: for each cell its first pixel and shares. */
function coverage(length: number, count: number): { first: number; shares: number[] }[] {
  const step = length / count
  return Array.from({ length: count }, (_, cell) => {
    const from = cell * step
    const to = Math.min(length, from + step)
    const first = Math.floor(from)
    const shares: number[] = []
    for (let pixel = first; pixel < to; pixel += 1) {
      shares.push((Math.min(pixel + 1, to) - Math.max(pixel, from)) / (to - from))
    }
    return { first, shares }
  })
}

/** A box of the plane at another size: each new pixel is the mean of the area that it covers, parts of pixels included. */
export function resizeByArea(plane: Plane, box: Box, width: number, height: number): Plane {
  const columns = coverage(box.width, width)
  const rows = coverage(box.height, height)
  const narrow = new Float32Array(width * box.height)
  for (let y = 0; y < box.height; y += 1) {
    const start = (box.y + y) * plane.width + box.x
    columns.forEach(({ first, shares }, x) => {
      let sum = 0
      for (let i = 0; i < shares.length; i += 1) sum += (shares[i] ?? 0) * (plane.data[start + first + i] ?? 0)
      narrow[y * width + x] = sum
    })
  }
  const data = new Float32Array(width * height)
  rows.forEach(({ first, shares }, y) => {
    for (let x = 0; x < width; x += 1) {
      let sum = 0
      for (let i = 0; i < shares.length; i += 1) sum += (shares[i] ?? 0) * (narrow[(first + i) * width + x] ?? 0)
      data[y * width + x] = sum
    }
  })
  return { width, height, data }
}

/** The smallest box that holds every pixel above zero; undefined when there is none. */
export function boundsOf({ width, height, data }: Plane): Box | undefined {
  let left = width
  let right = -1
  let top = height
  let bottom = -1
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if ((data[y * width + x] ?? 0) <= 0) continue
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = y
    }
  }
  return right < 0 ? undefined : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 }
}
