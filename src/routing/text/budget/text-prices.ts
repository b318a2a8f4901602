import { resources } from '../../accounts/resources.ts'
import type { ArmPrice } from '../../router-types.ts'
import type { TextPrice } from '../text-types.ts'

/** Tokens of one run. */
export interface RunTokens {
  /** Of the prompt, read. */
  readonly prompt: number
  /** Of the answer, written. */
  readonly answer: number
}

/** What a run of so many tokens costs. */
export function priceOfText({ request, promptToken, answerToken }: TextPrice, { prompt, answer }: RunTokens): ArmPrice {
  const price: { -readonly [K in (typeof resources)[number]]?: number } = {}
  for (const resource of resources) {
    const amount =
      (request?.[resource] ?? 0) + prompt * (promptToken?.[resource] ?? 0) + answer * (answerToken?.[resource] ?? 0)
    if (amount > 0 && amount < Number.POSITIVE_INFINITY) price[resource] = amount
  }
  return price
}

/**
 * A run's tokens as the waste of races counts them, in tokens of the prompt: where a written token costs four times a read
 * one, it counts as four.
 */
export function countTokens({ weights }: TextPrice = {}, { prompt, answer }: RunTokens): number {
  const { promptToken, answerToken } = weights ?? { promptToken: 1, answerToken: 1 }
  if (!(promptToken + answerToken > 0)) return prompt + answer
  return promptToken > 0 ? prompt + (answer * answerToken) / promptToken : answer
}
