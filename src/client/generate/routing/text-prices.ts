import * as v from 'valibot'
import { strictObject } from '../../../contracts/object-schemas.ts'
import { ConfigError } from '../../../errors/config-error.ts'
import type { TextForecast, TextPrice } from '../../../routing/text/text-types.ts'
import { meanOfForecast } from '../../../utils/forecast.ts'
import { meanOf } from '../../../utils/log-normal.ts'
import { toSentence } from '../../options/option-schemas.ts'
import { cloudPrice, edgePrice } from '../../request/snapshot/arm-prices.ts'
import type { TokenMoney, TokenPrices } from '../../types/client-options.ts'

const amountSchema = v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)))
export const tokenMoneySchema = strictObject({ promptPerMillion: amountSchema, answerPerMillion: amountSchema })
const tokenPricesSchema = v.optional(
  strictObject({
    cloud: v.optional(tokenMoneySchema),
    edge: v.optional(strictObject({ promptJ: amountSchema, answerJ: amountSchema })),
  }),
)

/** @throws {ConfigError} `config-invalid`, naming the option */
export function checkTokenPrices(tokenPrices: unknown): void {
  const parsed = v.safeParse(tokenPricesSchema, tokenPrices)
  if (parsed.success) return
  const sentence = toSentence(parsed.issues)
    .replaceAll(/(^|; )options: /g, '$1')
    .replaceAll(/(^|; )/g, '$1policy.budgets.tokenPrices.')
  throw new ConfigError('config-invalid', `These client options cannot be used. ${sentence}.`)
}

/** What a text costs on this device: joules as given, or as the predicted times have it. */
export function edgeTextPrice(
  { promptJ, answerJ }: NonNullable<TokenPrices['edge']> = {},
  forecast: TextForecast,
  promptTokens: number,
): TextPrice {
  const promptMs = meanOfForecast(forecast.firstToken) / Math.max(1, promptTokens)
  const price = (givenJ: number | undefined, computeMs: number) =>
    givenJ === undefined ? edgePrice({ computeMs, downloadBytes: 0 }) : { energyJ: givenJ }
  const promptToken = price(promptJ, promptMs)
  const answerToken = price(answerJ, meanOf(forecast.token))
  // What is only estimated says nothing of what a wasted token is worth.
  if (promptJ === undefined && answerJ === undefined) return { promptToken, answerToken }
  const weights = { promptToken: promptToken.energyJ ?? 0, answerToken: answerToken.energyJ ?? 0 }
  return { promptToken, answerToken, weights }
}

/** What a text costs at an endpoint: money for the request and for its tokens, and the radio's energy meanwhile. */
export function cloudTextPrice(
  { promptPerMillion = 0, answerPerMillion = 0 }: TokenMoney = {},
  moneyPer1000: number | undefined,
  forecast: TextForecast,
): TextPrice {
  const radio = (totalMs: number, money: number) => cloudPrice({ moneyPerRequest: money, totalMs, wireBytes: 0 })
  return {
    request: radio(meanOfForecast(forecast.firstToken), (moneyPer1000 ?? 0) / 1_000),
    promptToken: { money: promptPerMillion / 1e6 },
    answerToken: radio(meanOf(forecast.token), answerPerMillion / 1e6),
    ...(promptPerMillion + answerPerMillion > 0
      ? { weights: { promptToken: promptPerMillion, answerToken: answerPerMillion } }
      : {}),
  }
}
