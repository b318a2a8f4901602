import { expect, test } from 'vitest'
import { countTokens, priceOfText } from './text-prices.ts'

test('a text costs what its request, the tokens of its prompt and those of its answer cost', () => {
  const price = {
    request: { money: 0.001 },
    promptToken: { money: 2e-6, energyJ: 0.01 },
    answerToken: { money: 8e-6, energyJ: 0.2 },
  }
  const { money, energyJ } = priceOfText(price, { prompt: 1_000, answer: 100 })
  expect(money).toBeCloseTo(0.001 + 0.002 + 0.0008)
  expect(energyJ).toBeCloseTo(30)
  expect(priceOfText({}, { prompt: 1_000, answer: 100 })).toEqual({})
})

test.each([
  ['without a price each token counts as one', undefined, 1_100],
  ['a written token that costs four times a read one counts as four', { promptToken: 2, answerToken: 8 }, 1_400],
  ['where reading is free, what is written counts', { promptToken: 0, answerToken: 8 }, 100],
  ['where both are free, each counts as one', { promptToken: 0, answerToken: 0 }, 1_100],
])('%s', (_, weights, expected) => {
  expect(countTokens({ weights }, { prompt: 1_000, answer: 100 })).toBe(expected)
})
