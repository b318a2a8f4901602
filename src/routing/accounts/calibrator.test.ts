import { expect, test } from 'vitest'
import { logNormal, meanOf, p90Of } from '../../utils/log-normal.ts'
import { createSeededRandom, drawNormal } from '../../utils/seeded-random.ts'
import { createCalibrator } from './calibrator.ts'

test.each([0.3, 1, 2])(
  'nine of ten stay below the 90th percentile, though the spread is %d times what was said',
  (times) => {
    const random = createSeededRandom(9)
    const calibrator = createCalibrator()
    const said = logNormal(100, 0.09)
    let below = 0
    const runs = 20_000
    for (let run = 0; run < runs; run += 1) {
      const p90 = p90Of(calibrator.calibrate(said))
      const ms = Math.exp(said.mu + times * 0.3 * drawNormal(random))
      below += ms <= p90 ? 1 : 0
      calibrator.observe(p90, ms)
    }
    expect(below / runs).toBeCloseTo(0.9, 1)
  },
)

test('however often a prediction is missed, its mean stays one', () => {
  const calibrator = createCalibrator()
  for (let run = 0; run < 1000; run += 1) calibrator.observe(100, 1e6)
  expect(meanOf(calibrator.calibrate(logNormal(100, 1)))).toBeLessThan(300)
  for (const nonsense of [Number.NaN, -1, 0, Number.POSITIVE_INFINITY]) calibrator.observe(100, nonsense)
  expect(Number.isFinite(calibrator.scale)).toBe(true)
})

test('a run that was cut off below the percentile says nothing', () => {
  const calibrator = createCalibrator()
  calibrator.observe(100, 50, true)
  expect(calibrator.scale).toBe(0)
  calibrator.observe(100, 150, true)
  expect(calibrator.scale).toBeGreaterThan(0)
})
