import { describe, expect, it } from 'vitest'
import { splitParts } from './split-parts.ts'

describe('splitParts', () => {
  it('keeps the order, leaves out what was not measured, and names the rest', () => {
    const parts = splitParts({ downloadMs: 10, computeMs: 40, uploadMs: 30, queueMs: 0 }, 100)
    expect(parts.map(({ name, ms }) => [name, ms])).toEqual([
      ['uploadMs', 30],
      ['computeMs', 40],
      ['downloadMs', 10],
      ['otherMs', 20],
    ])
    expect(parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
  })

  it('shows no rest where there is none, even where the parts come to more than the whole', () => {
    expect(splitParts({ computeMs: 99 }, 100).map(({ name }) => name)).toEqual(['computeMs'])
    expect(splitParts({ computeMs: 120 }, 100)).toEqual([{ name: 'computeMs', ms: 120, share: 1 }])
  })

  it('is empty for nothing', () => expect(splitParts({}, 0)).toEqual([]))
})
