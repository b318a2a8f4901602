import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BoxesDecoding, GridDecoding } from '../../contracts/decoding.ts'
import { type TensorMap, tensorTypes } from '../../contracts/tensor.ts'
import { numericData } from '../../protocol/tensors/tensor-numbers.ts'
import { toDetections } from './detect.ts'
import { keepMaxima, overlapOf } from './non-maximum.ts'

const float = (dims: number[], data: number[]) => ({ type: 'float32', dims, data: Float32Array.from(data) }) as const
const whole = { size: { width: 200, height: 100 }, shown: { x: 0, y: 0, width: 200, height: 100 } }
const boxes: BoxesDecoding = {
  kind: 'boxes',
  boxes: 'b',
  scores: 's',
  form: 'corners',
  background: 0,
  minScore: 0.7,
  maxOverlap: 0.3,
}
const grid: GridDecoding = {
  kind: 'grid',
  output: 'g',
  offset: 'tanh',
  objectPower: 0.6,
  classPower: 0.4,
  minScore: 0.65,
  maxOverlap: 0.45,
}
const numericTypes = tensorTypes.filter((type) => type !== 'string')
const wrong = expect.objectContaining({ name: 'ModelError', code: 'model-wrong-answer' })

/** As many boxes as scores of [nothing, face]. */
const faces = (rows: readonly (readonly [number, number, number, number, number])[]): TensorMap => ({
  b: float(
    [1, rows.length, 4],
    rows.flatMap((row) => row.slice(0, 4)),
  ),
  s: float(
    [1, rows.length, 2],
    rows.flatMap(([, , , , score]) => [1 - score, score]),
  ),
})

describe('toDetections, from boxes', () => {
  it('gives boxes in the picture’s pixels, the surest first, each face once', () => {
    const outputs = faces([
      [0.1, 0.1, 0.3, 0.5, 0.8],
      [0.11, 0.1, 0.31, 0.5, 0.95],
      [0.6, 0.2, 0.7, 0.4, 0.9],
      [0.6, 0.6, 0.7, 0.8, 0.6],
    ])
    const { width, height, detections } = toDetections(outputs, boxes, ['face'], whole)
    expect([width, height]).toEqual([200, 100])
    expect(detections.map(({ label, score }) => [label, Math.round(score * 100)])).toEqual([
      ['face', 95],
      ['face', 90],
    ])
    expect(detections[1]?.box.x).toBeCloseTo(120, 3)
    expect(detections[1]?.box.height).toBeCloseTo(20, 3)
  })

  it.each(numericTypes)('reads boxes, scores and a grid of %s', (type) => {
    const of = (dims: number[], numbers: number[]) => ({ type, dims, data: numericData(type, numbers) })
    const outputs = {
      b: of([1, 1, 4], [0, 0, 1, 1]),
      s: of([1, 1, 2], [0, 1]),
      g: of([1, 6, 1, 1], [1, 0, 0, 1, 1, 1]),
    }
    expect(toDetections(outputs, boxes, ['face'], whole).detections).toEqual([
      { label: 'face', score: 1, box: { x: 0, y: 0, width: 200, height: 100 } },
    ])
    const [cell] = toDetections(outputs, { ...grid, output: 'g' }, ['thing'], whole).detections
    expect(cell).toMatchObject({ label: 'thing', score: 1, box: { x: 0, y: 0 } })
  })

  it('takes away the bars, and cuts at the picture’s edge', () => {
    const view = { size: { width: 200, height: 200 }, shown: { x: -100, y: 0, width: 400, height: 200 } }
    const { detections } = toDetections(
      faces([
        [0.2, 0.1, 0.5, 0.6, 0.9],
        [0, 0, 0.2, 0.2, 0.8],
      ]),
      boxes,
      ['face'],
      view,
    )
    expect(detections).toHaveLength(1)
    const { x = -1, y = 0, width = 0, height = 0 } = detections[0]?.box ?? {}
    for (const [got, wanted] of [
      [x, 0],
      [y, 20],
      [width, 100],
      [height, 100],
    ] as const)
      expect(got).toBeCloseTo(wanted, 3)
  })

  it('reads middles and sizes, and any number of classes', () => {
    const outputs = { b: float([1, 1, 4], [0.5, 0.5, 0.2, 0.4]), s: float([1, 1, 3], [0.1, 0.2, 0.9]) }
    const { background: _, ...all } = boxes
    const [find] = toDetections(outputs, { ...all, form: 'centre' }, ['a', 'b'], whole).detections
    expect(find?.label).toBe('2')
    expect(find?.box.x).toBeCloseTo(80, 3)
    expect(find?.box.y).toBeCloseTo(30, 3)
  })

  it.each<[string, TensorMap]>([
    ['an output is missing', { b: float([1, 1, 4], [0, 0, 1, 1]) }],
    ['a score is no number', faces([[0, 0, 1, 1, Number.NaN]])],
    ['a box is no number', faces([[0, Number.POSITIVE_INFINITY, 1, 1, 0.9]])],
    ['the shapes do not fit', { b: float([1, 2, 4], [0, 0, 1, 1, 0, 0, 1, 1]), s: float([1, 1, 2], [0, 1]) }],
    ['the data is cut short', { b: float([1, 2, 4], [0, 0, 1, 1]), s: float([1, 2, 2], [0, 1, 0, 1]) }],
  ])('refuses an answer where %s', (_, outputs) => {
    expect(() => toDetections(outputs, boxes, ['face'], whole)).toThrowError(wrong)
  })
})

describe('toDetections, from a grid', () => {
  it('decodes the middle of a cell, its size and its best class', () => {
    // 1 row, 2 columns; the second cell holds something of the second class.
    const cells = [0.1, 0.9, 0, Math.atanh(0.5), 0, Math.atanh(0.5), 0, 0, 0, 0, 0.5, 0.1, 0.5, 0.8]
    const { detections } = toDetections({ g: float([1, 7, 1, 2], cells) }, grid, ['cat', 'dog'], whole)
    expect(detections).toHaveLength(1)
    const [find] = detections
    expect(find?.label).toBe('dog')
    expect(find?.score).toBeCloseTo(0.9 ** 0.6 * 0.8 ** 0.4, 5)
    // The middle is at (1.5 / 2, 0.5), width and height are sigmoid(0) = half the picture.
    expect(find?.box.x).toBeCloseTo(100, 3)
    expect(find?.box.y).toBeCloseTo(25, 3)
    expect(find?.box.width).toBeCloseTo(100, 3)
  })

  it('refuses a grid without classes', () => {
    expect(() => toDetections({ g: float([1, 5, 1, 1], [1, 0, 0, 0, 0]) }, grid, [], whole)).toThrowError(wrong)
  })
})

describe('keepMaxima', () => {
  const box = (x: number) => ({ x, y: 0, width: 10, height: 10 })

  it('lets labels leave each other alone where it is told to', () => {
    const finds = [
      { box: box(0), label: 0, score: 0.9 },
      { box: box(1), label: 1, score: 0.8 },
    ]
    expect(keepMaxima(finds, 0.5, false)).toHaveLength(1)
    expect(keepMaxima(finds, 0.5, true)).toHaveLength(2)
  })

  it('never keeps two that overlap by more, and never loses the surest', () => {
    const find = fc.record({
      box: fc.record({
        x: fc.nat(50),
        y: fc.nat(50),
        width: fc.integer({ min: 1, max: 30 }),
        height: fc.integer({ min: 1, max: 30 }),
      }),
      label: fc.nat(2),
      score: fc.float({ min: 0, max: 1, noNaN: true }),
    })
    fc.assert(
      fc.property(fc.array(find, { maxLength: 30 }), (finds) => {
        const kept = keepMaxima(finds, 0.3, false)
        kept.forEach((one, i) => {
          for (const other of kept.slice(i + 1)) expect(overlapOf(one.box, other.box)).toBeLessThanOrEqual(0.3)
        })
        if (finds.length > 0) expect(kept[0]?.score).toBe(Math.max(...finds.map(({ score }) => score)))
      }),
    )
  })
})
