import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createActivityFinder } from './find-activity.ts'
import { mixDown } from './mix-down.ts'
import { createResampler } from './resampler.ts'
import { createSoundWindows } from './sound-windows.ts'

const tone = (hz: number, rateHz: number, seconds: number) =>
  Float32Array.from({ length: Math.round(rateHz * seconds) }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / rateHz))

const join = (pieces: readonly Float32Array[]) => Float32Array.from(pieces.flatMap((piece) => [...piece]))

/** The level of what is there, in decibels of a full sine, leaving out the ends. */
const levelOf = (samples: Float32Array) => {
  const middle = samples.slice(1000, -1000)
  return 10 * Math.log10(2 * (middle.reduce((sum, value) => sum + value * value, 0) / middle.length) + 1e-12)
}

function resampled(samples: Float32Array, fromHz: number, toHz: number, piece = samples.length) {
  const resampler = createResampler(fromHz, toHz)
  const pieces: Float32Array[] = []
  for (let at = 0; at < samples.length; at += piece) pieces.push(resampler.push(samples.subarray(at, at + piece)))
  return join([...pieces, resampler.end()])
}

describe('createResampler', () => {
  it.each([8000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000, 12_345])(
    'brings a tone of 1 kHz from %i Hz to 16 kHz as it is',
    (rateHz) => {
      const got = resampled(tone(1000, rateHz, 0.5), rateHz, 16_000)
      const wanted = tone(1000, 16_000, 0.5)
      expect(Math.abs(got.length - wanted.length)).toBeLessThanOrEqual(1)
      const errors = got.slice(200, 7800).map((value, i) => Math.abs(value - (wanted[i + 200] ?? 0)))
      expect(Math.max(...errors)).toBeLessThan(1e-3)
    },
  )

  it('filters out what the lower rate cannot hold, instead of folding it back', () => {
    expect(levelOf(resampled(tone(12_000, 48_000, 1), 48_000, 16_000))).toBeLessThan(-80)
    expect(levelOf(resampled(tone(90_000, 192_000, 0.5), 192_000, 16_000))).toBeLessThan(-80)
    expect(levelOf(resampled(tone(6000, 48_000, 1), 48_000, 16_000))).toBeGreaterThan(-6.1)
  })

  it('gives the same samples in whatever pieces they come', () => {
    const whole = resampled(tone(440, 44_100, 0.2), 44_100, 16_000)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (piece) => {
        const parts = resampled(tone(440, 44_100, 0.2), 44_100, 16_000, piece)
        expect(parts.length).toBe(whole.length)
        expect(Math.max(...parts.map((value, i) => Math.abs(value - (whole[i] ?? 9))))).toBeLessThan(1e-6)
      }),
      { numRuns: 15 },
    )
  })

  it('leaves equal rates alone', () => {
    const samples = tone(440, 16_000, 0.1)
    expect(resampled(samples, 16_000, 16_000)).toEqual(samples)
  })
})

describe('mixDown', () => {
  const all = (...values: number[]) => values.map((value) => Float32Array.of(value))
  it.each<[string, number[], number]>([
    ['mono', [0.3], 0.3],
    ['stereo', [0.2, 0.4], 0.3],
    ['four', [0.1, 0.2, 0.3, 0.4], 0.25],
    ['5.1', [0.1, 0.1, 0.2, 0.9, 0.1, 0.1], 0.2 * Math.SQRT1_2 + 0.2 + 0.1],
    ['three', [0.1, 0.2, 0.3], 0.2],
    ['none', [], 0],
  ])('mixes %s', (_, values, mono) => {
    expect(mixDown(all(...values))[0] ?? 0).toBeCloseTo(mono, 6)
  })

  it('takes NaN and infinity for silence, and clips what is too loud', () => {
    expect([...mixDown([Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, -3, 2, 0.5)])]).toEqual([
      0, 0, -1, 1, 0.5,
    ])
    expect(mixDown(all(Number.NaN, 0.4))[0]).toBeCloseTo(0.2, 6)
  })
})

describe('createSoundWindows', () => {
  const preprocessing = { kind: 'sound', rateHz: 16_000, windowSamples: 4, contextSamples: 2 } as const

  it('begins each window with the end of the one before', () => {
    const windows = createSoundWindows(preprocessing, 16_000)
    const ramp = (from: number, count: number) => Float32Array.from({ length: count }, (_, i) => (from + i) / 100)
    const got = [...windows.push([ramp(1, 3)]), ...windows.push([ramp(4, 6)]), ...windows.push([], true)]
    const wanted = [0, 0, 1, 2, 3, 4, 3, 4, 5, 6, 7, 8, 7, 8, 9, 0, 0, 0]
    expect(got.map((value) => Math.round(value * 100))).toEqual(wanted)
  })

  it('makes no window of nothing', () => {
    expect(createSoundWindows(preprocessing, 48_000).push([], true).length).toBe(0)
    expect(createSoundWindows(preprocessing, 16_000).push([new Float32Array(8)], true).length).toBe(12)
  })
})

describe('createActivityFinder', () => {
  const decoding = { kind: 'activity', output: 'p', from: 0.5, until: 0.35, minPauseMs: 90, minLengthMs: 60 } as const
  const segmentsOf = (probabilities: readonly number[]) => {
    const finder = createActivityFinder(decoding, 30)
    for (const probability of probabilities) finder.push(probability)
    return finder.segments()
  }

  it('bridges short pauses and leaves out short bursts', () => {
    expect(segmentsOf([0, 0.9, 0.9, 0.1, 0.1, 0.9, 0, 0, 0, 0.9, 0, 0, 0])).toEqual([{ startMs: 30, endMs: 180 }])
  })

  it('does not flicker between its two thresholds', () => {
    expect(segmentsOf([0.4, 0.6, 0.4, 0.4, 0.4, 0.4, 0, 0, 0])).toEqual([{ startMs: 30, endMs: 180 }])
  })

  it('ends what goes on with the last window', () => {
    expect(segmentsOf([0, 0.9, 0.9, 0.9])).toEqual([{ startMs: 30, endMs: 120 }])
    expect(segmentsOf([])).toEqual([])
    expect(segmentsOf([0, 0, 0])).toEqual([])
  })
})
