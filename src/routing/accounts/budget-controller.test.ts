import { expect, test } from 'vitest'
import { createBudgetController } from './budget-controller.ts'

/** Spends a constant share of an hourly budget of 1 each second, and returns the price after each minute. */
function priceAfterEach(minutes: number, share: number) {
  const controller = createBudgetController(1)
  return Array.from({ length: minutes }, (_, minute) => {
    for (let second = 0; second < 60; second += 1) controller.spend(share / 3600, 60_000 * minute + 1000 * second)
    return controller.price(60_000 * (minute + 1))
  })
}

test('spending well inside the budget is free', () => {
  expect(priceAfterEach(60, 0.4).every((price) => price === 0)).toBe(true)
})

test('above the budget the price rises from window to window, at the budget it settles', () => {
  const over = priceAfterEach(60, 1.5)
  expect(over[59]).toBeGreaterThan(2 * (over[29] ?? Number.NaN))
  const kept = priceAfterEach(90, 1)
  expect(kept[89]).toBeLessThan(1.5 * (kept[59] ?? Number.NaN))
})

test('while nothing is spent the price falls to nothing', () => {
  const controller = createBudgetController(1)
  for (let second = 0; second < 3600; second += 1) controller.spend(2 / 3600, 1000 * second)
  expect(controller.price(3_600_000)).toBeGreaterThan(0)
  const prices = Array.from({ length: 30 }, (_, minute) => controller.price(3_600_000 + 60_000 * (minute + 1)))
  expect(prices.at(-1)).toBe(0)
})

test('without a budget, nothing has a price', () => {
  const controller = createBudgetController(undefined)
  controller.spend(1e9, 0)
  expect(controller.price(1)).toBe(0)
})
