import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inkToTensor } from './ink-to-tensor.ts'
import type { Pixels } from './pixels.ts'

const ink = { kind: 'ink', size: 28, inkSize: 20 } as const

type Shade = (x: number, y: number) => number

/** A grey picture whose brightness at each pixel `shade` says. */
function picture(width: number, height: number, shade: Shade): Pixels {
  const data = new Uint8ClampedArray(width * height * 4)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const value = shade(x, y)
      data.set([value, value, value, 255], (y * width + x) * 4)
    }
  }
  return { width, height, data }
}

/** A seven, `side` pixels high with strokes `thick` wide: is there ink at x, y? */
const seven =
  (left: number, top: number, side: number, thick: number) =>
  (x: number, y: number): boolean => {
    const across = x - left
    const down = y - top
    if (across < 0 || down < 0 || across >= 0.7 * side || down >= side) return false
    return down < thick || Math.abs(across - 0.7 * side * (1 - (0.6 * down) / side) + thick / 2) < thick / 2
  }

const drawn =
  (hasInk: (x: number, y: number) => boolean, inked = 0, paper = 255): Shade =>
  (x, y) =>
    hasInk(x, y) ? inked : paper

/** Repeatable noise between -1 and 1, roughly normal. */
function noiseFrom(seed: number): () => number {
  let state = seed >>> 0
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  return () => (next() + next() + next()) / 1.5 - 1
}

const at = (tensor: { data: ArrayLike<unknown> }, x: number, y: number) => Number(tensor.data[y * 28 + x])

function centreOfMass(tensor: { data: ArrayLike<unknown> }): { x: number; y: number } {
  let mass = 0
  let sumX = 0
  let sumY = 0
  for (let y = 0; y < 28; y += 1) {
    for (let x = 0; x < 28; x += 1) {
      mass += at(tensor, x, y)
      sumX += at(tensor, x, y) * (x + 0.5)
      sumY += at(tensor, x, y) * (y + 0.5)
    }
  }
  return { x: sumX / mass, y: sumY / mass }
}

/** Mean difference of two tensors, in levels of 255. */
const difference = (a: { data: ArrayLike<unknown> }, b: { data: ArrayLike<unknown> }): number => {
  let sum = 0
  for (let i = 0; i < 784; i += 1) sum += Math.abs(Number(a.data[i]) - Number(b.data[i]))
  return sum / 784
}

const reference = inkToTensor(picture(280, 280, drawn(seven(60, 40, 200, 18))), ink)

describe('inkToTensor', () => {
  it('gives one 28 by 28 plane of bytes, ink light on 0, longest side 20, centred by mass', () => {
    expect(reference.type).toBe('uint8')
    expect(reference.dims).toEqual([1, 1, 28, 28])
    const values = Array.from(reference.data, Number)
    expect(Math.max(...values)).toBe(255)
    expect(at(reference, 0, 0)).toBe(0)
    const inkedRows = Array.from({ length: 28 }, (_, y) => y).filter((y) =>
      values.slice(y * 28, y * 28 + 28).some(Boolean),
    )
    expect(inkedRows).toHaveLength(20)
    const centre = centreOfMass(reference)
    expect(Math.abs(centre.x - 14)).toBeLessThan(0.6)
    // The seven's bar pulls its centre up so far that its foot meets the lower edge.
    expect(Math.abs(centre.y - 14)).toBeLessThan(1.6)
  })

  it('is the same wherever the drawing lies', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 140 }), fc.integer({ min: 0, max: 80 }), (left, top) => {
        const moved = inkToTensor(picture(280, 280, drawn(seven(left, top, 200, 18))), ink)
        expect(moved.data).toEqual(reference.data)
      }),
      { numRuns: 20 },
    )
  })

  it('takes dark ink on light and light ink on dark alike', () => {
    const light = inkToTensor(picture(280, 280, drawn(seven(60, 40, 200, 18), 255, 0)), ink)
    expect(light.data).toEqual(reference.data)
    const pencil = inkToTensor(picture(280, 280, drawn(seven(60, 40, 200, 18), 150, 220)), ink)
    expect(difference(pencil, reference)).toBeLessThan(1)
  })

  it.each([
    ['large', 512, 450, 40],
    ['small', 280, 60, 6],
    ['tiny', 280, 16, 2],
  ])('scales a %s drawing to the same size', (_, side, height, thick) => {
    const scaled = inkToTensor(picture(side, side, drawn(seven(20, 20, height, thick))), ink)
    expect(difference(scaled, reference)).toBeLessThan(24)
  })

  it('reads a stroke one pixel thin, and a dot', () => {
    const line = inkToTensor(
      picture(
        280,
        280,
        drawn((x, y) => x === 140 && y > 20 && y < 260),
      ),
      ink,
    )
    expect(
      Array.from({ length: 28 }, (_, y) => at(line, 14, y) || at(line, 13, y)).filter((v) => v === 255),
    ).toHaveLength(20)
    const dot = inkToTensor(
      picture(
        280,
        280,
        drawn((x, y) => x === 3 && y === 5),
      ),
      ink,
    )
    expect(Array.from(dot.data, Number).filter((v) => v === 255)).toHaveLength(400)
  })

  it('keeps a drawing that is heavier on one side inside the plane', () => {
    const wedge = inkToTensor(
      picture(
        280,
        280,
        drawn((x, y) => (y > 200 ? x > 40 && x < 240 && y < 240 : x > 40 && x < 46 && y > 40)),
      ),
      ink,
    )
    expect(Math.max(...Array.from(wedge.data, Number))).toBe(255)
    expect(wedge.data).toHaveLength(784)
  })

  it.each([
    ['white', () => 255],
    ['black', () => 0],
    ['nearly even', (x: number) => 128 + (x % 2) * 4],
  ])('finds nothing in a %s picture', (_, shade) => {
    expect(() => inkToTensor(picture(100, 80, shade), ink)).toThrowError(
      expect.objectContaining({ name: 'ValidationError', code: 'picture-empty' }),
    )
  })

  it('finds nothing in a photo of blank paper', () => {
    const noise = noiseFrom(7)
    const blank = picture(320, 240, (x, y) => 200 - 0.2 * x - 0.1 * y + 8 * noise())
    expect(() => inkToTensor(blank, ink)).toThrowError(expect.objectContaining({ code: 'picture-empty' }))
  })

  it('sees through uneven light, a shadow and the grain of paper', () => {
    const noise = noiseFrom(3)
    const hasInk = seven(120, 60, 200, 18)
    const photo = picture(384, 320, (x, y) => {
      const lit = 225 - 0.25 * x - 0.1 * y - 0.0006 * (x - 190) ** 2
      const shaded = x + y < 150 ? lit * 0.75 : lit
      return (hasInk(x, y) ? 0.3 * shaded : shaded) + 6 * noise()
    })
    expect(difference(inkToTensor(photo, ink), reference)).toBeLessThan(10)
  })

  it('leaves out the table beside the paper, and dust', () => {
    const noise = noiseFrom(11)
    const hasInk = seven(140, 60, 200, 18)
    const photo = picture(384, 320, (x, y) => {
      if (x < 60 + 0.1 * y) return 60 + 6 * noise()
      const dust = (x - 350) ** 2 + (y - 30) ** 2 < 9
      return (hasInk(x, y) || dust ? 60 : 210) + 6 * noise()
    })
    expect(difference(inkToTensor(photo, ink), reference)).toBeLessThan(10)
  })

  it('never throws anything but an empty picture, whatever the pixels', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
        (width, height, stream) => {
          const shades = stream[Symbol.iterator]()
          try {
            const tensor = inkToTensor(
              picture(width, height, () => Number(shades.next().value)),
              ink,
            )
            expect(Math.max(...Array.from(tensor.data, Number))).toBe(255)
          } catch (error) {
            expect(error).toMatchObject({ code: 'picture-empty' })
          }
        },
      ),
    )
  })
})
