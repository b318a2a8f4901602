import { expect, it } from 'vitest'
import { adviseWorkers } from './advise-workers.ts'

// Runs of 10 ms: one worker does 100 a second.
const load = (peakPerSecond: number) => ({ peakPerSecond, serviceMeanMs: 10, serviceSquareMs: 101 })

it('advises the fewest workers that meet the goal, more for more load and for a stricter goal', () => {
  const workers = (peak: number, goalMs: number, factor?: number) => {
    const advice = adviseWorkers(load(peak), goalMs, factor)
    return 'plan' in advice ? advice.plan.workers : advice.problem
  }
  expect(workers(10, 200)).toBe(1)
  expect(workers(150, 200)).toBe(2)
  expect(workers(150, 20)).toBeGreaterThan(2)
  expect(workers(15, 200, 10)).toBe(workers(150, 200))
  expect(workers(10, 5)).toBe('too-slow')
})

it('says that there is nothing to plan from', () => {
  expect(adviseWorkers(load(0), 100)).toEqual({ problem: 'no-load' })
  expect(adviseWorkers({ peakPerSecond: 3, serviceMeanMs: null, serviceSquareMs: null }, 100)).toEqual({
    problem: 'no-load',
  })
})

it('plans also where every run took the same time', () => {
  expect(adviseWorkers({ peakPerSecond: 3, serviceMeanMs: 5, serviceSquareMs: 25 }, 100)).toHaveProperty('plan')
})
