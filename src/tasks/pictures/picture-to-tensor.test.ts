import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PicturePreprocessing } from '../../contracts/preprocessing.ts'
import { pictureToTensor } from './picture-to-tensor.ts'
import { placePicture } from './picture-view.ts'
import type { Pixels } from './pixels.ts'
import { resample } from './resample.ts'

function picture(width: number, height: number, colour: (x: number, y: number) => readonly number[]): Pixels {
  const data = new Uint8ClampedArray(width * height * 4)
  for (let i = 0; i < width * height; i += 1) data.set([...colour(i % width, Math.floor(i / width)), 255], i * 4)
  return { width, height, data }
}
const orange = () => [200, 100, 50]
const how = (changes: Partial<PicturePreprocessing> = {}): PicturePreprocessing => ({
  kind: 'picture',
  width: 4,
  height: 2,
  fit: 'stretch',
  channels: 'rgb',
  layout: 'nchw',
  ...changes,
})
const numbers = (pixels: Pixels, changes: Partial<PicturePreprocessing>) => {
  const { tensor } = pictureToTensor(pixels, how(changes))
  return { dims: tensor.dims, data: Array.from(tensor.data, Number) }
}

describe('resample', () => {
  it.each(['area', 'bilinear', 'bicubic'] as const)(
    'keeps one colour one colour, larger and smaller (%s)',
    (filter) => {
      fc.assert(
        fc.property(fc.nat(30), fc.nat(30), fc.nat(30), fc.nat(30), (a, b, width, height) => {
          const pixels = picture(a + 1, b + 1, orange)
          const part = { x: 0, y: 0, width: a + 1, height: b + 1 }
          const planes = resample(pixels, part, width + 1, height + 1, filter)
          for (const [channel, value] of orange().entries()) {
            for (const got of planes[channel] ?? []) expect(Math.abs(got - value)).toBeLessThan(0.01)
          }
        }),
        { numRuns: 60 },
      )
    },
  )

  it('takes the mean of an area, and looks at all that a new pixel covers', () => {
    const stripes = picture(8, 1, (x) => [x % 2 === 0 ? 0 : 200, x * 10, 0])
    const [red, green] = resample(stripes, { x: 0, y: 0, width: 8, height: 1 }, 4, 1, 'area')
    expect([...(red ?? [])]).toEqual([100, 100, 100, 100])
    expect([...(green ?? [])]).toEqual([5, 25, 45, 65])
    // At four pixels a new one, a filter that looked at single pixels would see stripes of its own.
    const [smooth] = resample(stripes, { x: 0, y: 0, width: 8, height: 1 }, 2, 1, 'bilinear')
    for (const value of smooth ?? []) expect(Math.abs(value - 100)).toBeLessThan(15)
  })

  it('reads a part alone', () => {
    const half = picture(4, 1, (x) => (x < 2 ? [0, 0, 0] : [90, 90, 90]))
    expect([...(resample(half, { x: 2, y: 0, width: 2, height: 1 }, 1, 1, 'area')[0] ?? [])]).toEqual([90])
  })
})

describe('pictureToTensor', () => {
  it('puts channels in the order and layout that the model wants', () => {
    const pixels = picture(2, 1, (x) => (x === 0 ? [1, 2, 3] : [4, 5, 6]))
    const size = { width: 2, height: 1 }
    expect(numbers(pixels, size)).toEqual({ dims: [1, 3, 1, 2], data: [1, 4, 2, 5, 3, 6] })
    expect(numbers(pixels, { ...size, channels: 'bgr' }).data).toEqual([3, 6, 2, 5, 1, 4])
    const beside = numbers(pixels, { ...size, layout: 'nhwc' })
    expect(beside).toEqual({ dims: [1, 1, 2, 3], data: [1, 2, 3, 4, 5, 6] })
    const grey = numbers(picture(2, 1, orange), { ...size, channels: 'grey' })
    expect(grey).toEqual({ dims: [1, 1, 1, 2], data: [124, 124] })
  })

  it('stretches, crops the middle, or shows all with bars', () => {
    const pixels = picture(8, 8, (x, y) => [x < 4 ? 0 : 255, y < 4 ? 0 : 255, 0])
    const plane = (changes: Partial<PicturePreprocessing>, channel: number) =>
      numbers(pixels, { resample: 'area', ...changes }).data.slice(channel * 8, channel * 8 + 8)
    expect(plane({}, 0)).toEqual([0, 0, 255, 255, 0, 0, 255, 255])
    expect(plane({}, 1)).toEqual([0, 0, 0, 0, 255, 255, 255, 255])
    expect(plane({ fit: 'crop' }, 1)).toEqual([0, 0, 0, 0, 255, 255, 255, 255])
    expect(plane({ fit: 'letterbox', fill: 9 }, 0)).toEqual([9, 0, 255, 9, 9, 0, 255, 9])
  })

  it.each([
    [1, 1],
    [20_000, 1],
    [1, 20_000],
    [3, 7],
  ])('takes a picture of %i × %i, however it is fitted', (width, height) => {
    for (const fit of ['stretch', 'crop', 'letterbox'] as const) {
      const { dims, data } = numbers(picture(width, height, orange), { fit, width: 32, height: 24 })
      expect(dims).toEqual([1, 3, 24, 32])
      expect(data).toContain(200)
    }
  })
})

describe('placePicture', () => {
  const input = { width: 100, height: 50 }
  it('tells what of the picture the input shows', () => {
    const size = { width: 200, height: 200 }
    expect(placePicture(size, how({ ...input, fit: 'stretch' })).view.shown).toEqual({ x: 0, y: 0, ...size })
    expect(placePicture(size, how({ ...input, fit: 'crop' })).view.shown).toEqual({
      x: 0,
      y: 50,
      width: 200,
      height: 100,
    })
    // 50 × 50 in the middle, so the bars are as wide as half the picture on each side.
    const { shown } = placePicture(size, how({ ...input, fit: 'letterbox' })).view
    expect(shown).toEqual({ x: -100, y: -0, width: 400, height: 200 })
  })
})
