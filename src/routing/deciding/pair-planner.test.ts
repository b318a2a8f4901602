import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type LogNormal, logNormal, meanOf } from '../../utils/log-normal.ts'
import { createSeededRandom, drawNormal } from '../../utils/seeded-random.ts'
import { type ArmCosts, createPairPlanner, type PairCosts } from './pair-planner.ts'

const arm: ArmCosts = { extraMs: 0, wastedMs: 10, mayFollow: true, outlier: 0 }
const costs: PairCosts = {
  first: arm,
  other: arm,
  tailWeight: 0,
  deadlineMs: Number.POSITIVE_INFINITY,
  lateMs: 0,
}
/** The same costs with other ones for each arm. */
const costsWith = (first: Partial<ArmCosts>, other: Partial<ArmCosts>): PairCosts => ({
  ...costs,
  first: { ...arm, ...first },
  other: { ...arm, ...other },
})
const draw = ({ mu, variance }: LogNormal, random: () => number) =>
  Math.exp(mu + Math.sqrt(variance) * drawNormal(random))

test('the expected cost of a plan is its mean cost over many random draws', () => {
  const random = createSeededRandom(5)
  const pairs: [LogNormal, LogNormal][] = [
    [logNormal(100, 0.5), logNormal(300, 0.05)],
    [logNormal(80, 0.02), logNormal(200, 1)],
    [logNormal(1000, 0.1), logNormal(700, 1.2)],
  ]
  for (const [first, other] of pairs) {
    const { firstStarts, afterMs, cost } = createPairPlanner()(first, other, costs)
    const [start, second] = firstStarts ? [first, other] : [other, first]
    let sum = 0
    const rounds = 40_000
    for (let round = 0; round < rounds; round += 1) {
      const [a, b] = [draw(start, random), afterMs + draw(second, random)]
      sum += a <= afterMs ? a : Math.min(a, b) + arm.wastedMs
    }
    expect(Math.abs(cost / (sum / rounds) - 1)).toBeLessThan(0.05)
  }
})

test('a second run is planned only where it is allowed, and only where it pays', () => {
  const time = fc
    .tuple(fc.double({ min: 1, max: 1e5, noNaN: true }), fc.double({ min: 0, max: 2, noNaN: true }))
    .map(([median, variance]) => logNormal(median, variance))
  const plan = createPairPlanner()
  fc.assert(
    fc.property(time, time, fc.boolean(), fc.boolean(), (first, other, firstMay, otherMay) => {
      const allowed = costsWith({ mayFollow: firstMay }, { mayFollow: otherMay })
      const { firstStarts, afterMs, cost, costAlone } = plan(first, other, allowed)
      expect(cost).toBeLessThanOrEqual(costAlone + 1e-9)
      expect(afterMs).toBeGreaterThanOrEqual(0)
      if (!(firstStarts ? otherMay : firstMay)) expect(afterMs).toBe(Number.POSITIVE_INFINITY)
    }),
  )
})

test('no delay of the second run is cheaper than the planned one', () => {
  const random = createSeededRandom(3)
  const [device, link] = [logNormal(300, 0.02), logNormal(100, 0.3)]
  const { firstStarts, afterMs, cost } = createPairPlanner()(link, device, costsWith({ mayFollow: false }, {}))
  expect(firstStarts).toBe(true)
  const draws = Array.from({ length: 100_000 }, () => [draw(link, random), draw(device, random)] as const)
  const costAfter = (delayMs: number) =>
    draws.reduce((sum, [a, b]) => sum + (a <= delayMs ? a : Math.min(a, delayMs + b) + arm.wastedMs), 0) / draws.length
  expect(Math.abs(cost / costAfter(afterMs) - 1)).toBeLessThan(0.02)
  for (const factor of [0, 0.25, 0.5, 0.7, 1.4, 2, 4]) expect(costAfter(factor * afterMs)).toBeGreaterThan(0.99 * cost)
})

test('a deadline moves the start to the arm that keeps it', () => {
  const [steady, wide] = [logNormal(200, 0.001), logNormal(120, 1)]
  const alone = costsWith({ mayFollow: false }, { mayFollow: false })
  const plan = createPairPlanner()
  expect(meanOf(wide)).toBeLessThan(meanOf(steady))
  expect(plan(steady, wide, alone).firstStarts).toBe(false)
  expect(plan(steady, wide, { ...alone, deadlineMs: 220, lateMs: 220 }).firstStarts).toBe(true)
})

test('the other arm follows a run that takes longer than the whole grid, where it may', () => {
  const [device, link] = [logNormal(1_000, 0.01), logNormal(60, 0.05)]
  // Copied: the planner overwrites one object at each call.
  const plan = (first: Partial<ArmCosts>) => ({
    ...createPairPlanner()(device, link, costsWith(first, { outlier: 0.03 })),
  })
  const backed = plan({})
  expect(backed.firstStarts).toBe(false)
  // The longest outlier on the grid takes 16 times the median.
  expect(backed.afterMs).toBeGreaterThan(16 * 60)
  expect(backed.afterMs).toBeLessThan(17 * 60)
  expect(backed.cost).toBe(backed.costAlone)
  expect(plan({ mayFollow: false }).afterMs).toBe(Number.POSITIVE_INFINITY)
})
