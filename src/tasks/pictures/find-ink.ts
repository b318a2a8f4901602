import { median } from '../../utils/median.ts'
import { dropSpecks } from './drop-specks.ts'
import { flattenLight } from './flatten-light.ts'
import { fitLightSurface, type LightSample } from './light-surface.ts'
import type { Pixels } from './pixels.ts'
import type { Plane } from './plane.ts'

/** Fainter than this of 255 levels, nothing is taken for a drawing. */
const leastContrast = 24

/** Luma of ITU-R BT.601, which is also what the training pictures were made with. */
function luminanceOf({ width, height, data }: Pixels): Plane {
  const plane = new Float32Array(width * height)
  for (let i = 0, at = 0; i < plane.length; i += 1, at += 4) {
    plane[i] = 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0)
  }
  return { width, height, data: plane }
}

const across = (index: number, count: number): number => (count === 1 ? 0 : (2 * index) / (count - 1) - 1)

function borderOf({ width, height, data }: Plane): LightSample[] {
  const depth = Math.max(1, Math.min(3, Math.round(0.02 * Math.min(width, height))))
  const samples: LightSample[] = []
  for (let y = 0; y < height; y += 1) {
    const wholeRow = y < depth || y >= height - depth
    for (let x = 0; x < width; x += 1) {
      if (!wholeRow && x === depth && width > 2 * depth) x = width - depth
      samples.push({ x: across(x, width), y: across(y, height), value: data[y * width + x] ?? 0 })
    }
  }
  return samples
}

/** The value that a `share` of all lie at or below. */
function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float32Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

/**
 * A drawing's border is one colour: most of it exactly, where strokes run off the picture, or nearly all of it
 * closely, where it went through a JPEG. A photo's is neither.
 */
const isClean = (border: readonly LightSample[], background: number): boolean => {
  const strays = border.map(({ value }) => Math.abs(value - background))
  return quantile(strays, 0.7) <= 1.5 || quantile(strays, 0.9) <= 6
}

/** +1 where the ink is darker than its background, -1 where it is lighter: the side that strays further, squared. */
function polarityOf(darkness: Float32Array): 1 | -1 {
  let balance = 0
  for (const value of darkness) balance += value * Math.abs(value)
  return balance >= 0 ? 1 : -1
}

/** The values above a threshold, with their sign turned where ink is light. */
function keepAbove({ width, height, data }: Plane, threshold: number, polarity: 1 | -1 = 1): Plane {
  const kept = new Float32Array(data.length)
  for (let i = 0; i < data.length; i += 1) {
    const value = polarity * (data[i] ?? 0)
    if (value > threshold) kept[i] = value
  }
  return { width, height, data: kept }
}

/** A drawing: its background is one colour. */
function findInDrawing(light: Plane, background: number): Plane | undefined {
  const { width, height } = light
  const darkness = new Float32Array(light.data.length)
  for (let i = 0; i < darkness.length; i += 1) darkness[i] = background - (light.data[i] ?? 0)
  const polarity = polarityOf(darkness)
  let peak = 0
  for (const value of darkness) peak = Math.max(peak, polarity * value)
  if (peak < leastContrast) return undefined
  return keepAbove({ width, height, data: darkness }, Math.max(8, 0.04 * peak), polarity)
}

/** A photo: light falls off across it, paper has a grain, and other things may reach into it. */
function findInPhoto(light: Plane, border: readonly LightSample[]): Plane | undefined {
  const { width, height } = light
  const surface = fitLightSurface(border)
  const noise = 1.4826 * median(border.map(({ x, y, value }) => Math.abs(value - surface(x, y))))
  const darkness = light.data.map(
    (value, i) => surface(across(i % width, width), across(Math.floor(i / width), height)) - value,
  )
  const polarity = polarityOf(darkness.map((value) => (Math.abs(value) > 3 * noise ? value : 0)))
  const ink = flattenLight({ width, height, data: darkness.map((value) => polarity * value) })
  // Not the largest: a single bright pixel of the camera's noise is no stroke.
  const peak = quantile(ink.data, 0.9998)
  if (peak < Math.max(leastContrast, 6 * noise)) return undefined
  const drawing = dropSpecks(keepAbove(ink, Math.max(8, 0.25 * peak, 4 * noise)))
  // A stroke in the shade is as much a stroke as one in the light.
  return { ...drawing, data: drawing.data.map((value) => Math.min(value, 0.6 * peak)) }
}

/**
 * How much ink each pixel holds, in levels above its background: dark on light or light on dark, drawn or
 * photographed. Undefined when there is none.
 */
export function findInk(pixels: Pixels): Plane | undefined {
  const light = luminanceOf(pixels)
  const border = borderOf(light)
  const background = median(border.map(({ value }) => value))
  return isClean(border, background) ? findInDrawing(light, background) : findInPhoto(light, border)
}
