import type { Prediction } from '../../../contracts/route.ts'
import { asOneLogNormal, type Forecast, meanOfForecast, p90OfForecast } from '../../../utils/forecast.ts'
import { type LogNormal, meanOf, sumOf } from '../../../utils/log-normal.ts'
import { toArmRef } from '../../arm-ref.ts'
import { boundedTime } from '../../learning/cost-models.ts'
import type { ArmPrice, ArmRef, Spending } from '../../router-types.ts'
import { priceOfText } from '../budget/text-prices.ts'
import type { TextArmPrediction, TextForecast, TextObjective, TextPrice } from '../text-types.ts'

/** What is predicted of an answer on one arm. */
export interface TextArm extends ArmRef {
  /** Milliseconds to the first token; undefined where nothing is predicted. */
  readonly firstToken: Forecast | undefined
  /** Its mean; infinite without a prediction. */
  readonly firstMs: number
  readonly firstP90Ms: number
  /** Mean milliseconds for each token after that. */
  readonly tokenMs: number
  /** Mean milliseconds to the end. */
  readonly endMs: number
  /** What the answer's rest costs the reader beside the first token, in milliseconds: see `restOf`. */
  readonly restMs: number
  /** Money, energy and data of the whole text, and of reading its prompt alone, in milliseconds of waiting. */
  readonly extraMs: number
  readonly promptExtraMs: number
  /** What its tokens cost. */
  readonly price: TextPrice
  /** It is slower than it usually is, and was not measured for a while: its usual first token, in milliseconds. */
  readonly usualMs: number | undefined
  readonly prediction: TextArmPrediction | undefined
}

function bounded({ otherwise, ...usual }: Forecast): Forecast {
  const time = boundedTime(usual)
  if (otherwise === undefined || !(otherwise.chance > 0 && otherwise.chance <= 1)) return time
  return { ...time, otherwise: { chance: otherwise.chance, value: boundedTime(otherwise.value) } }
}
const predictionOf = (time: Forecast): Prediction => ({ meanMs: meanOfForecast(time), p90Ms: p90OfForecast(time) })

/**
 * What the rest of an answer costs, in milliseconds. `whole`: all its time. `first-token`: the time that somebody who
 * reads waits for tokens that come more slowly than at reading pace; a text that is written faster costs nothing more.
 */
function restOf(tokenMs: number, answerTokens: number, objective: TextObjective, readingMs: number): number {
  const rest = Math.max(0, answerTokens - 1)
  return rest * (objective === 'whole' ? tokenMs : Math.max(0, tokenMs - readingMs))
}

/** An arm that is this many times as slow as usual is tried again when it was not measured for so long. */
const slowedBy = 1.35
const slowedForMs = 60_000

/** What a text costs on one arm, and what that is worth now. */
function costsOf(
  price: TextPrice,
  { uncachedTokens, answerTokens, extraMsOf }: Pick<TextArmTerms, 'uncachedTokens' | 'answerTokens' | 'extraMsOf'>,
): Pick<TextArm, 'extraMs' | 'promptExtraMs' | 'price'> & { readonly whole: ArmPrice } {
  const whole = priceOfText(price, { prompt: uncachedTokens, answer: answerTokens })
  const extraMs = extraMsOf(whole)
  return {
    ...{ price, whole, extraMs },
    promptExtraMs: extraMs > 0 ? extraMsOf(priceOfText(price, { prompt: uncachedTokens, answer: 0 })) : 0,
  }
}

/** What an arm is judged by, beside its forecast. */
export interface TextArmTerms extends Pick<Spending, 'extraMsOf'> {
  readonly answerTokens: number
  readonly objective: TextObjective
  readonly readingMs: number
  /** Tokens of the prompt that it has to read. */
  readonly uncachedTokens: number
  readonly price: TextPrice | undefined
}

const unknown = { firstToken: undefined, firstMs: Number.POSITIVE_INFINITY, firstP90Ms: Number.POSITIVE_INFINITY }

export function toTextArm(ref: ArmRef, forecast: TextForecast | undefined, about: TextArmTerms): TextArm {
  const { whole, ...costs } = costsOf(about.price ?? {}, about)
  if (forecast === undefined) {
    return {
      ...toArmRef(ref),
      ...unknown,
      ...costs,
      tokenMs: 0,
      endMs: unknown.firstMs,
      restMs: 0,
      usualMs: undefined,
      prediction: undefined,
    }
  }
  const { answerTokens, objective, readingMs } = about
  const firstToken = bounded(forecast.firstToken)
  const token: LogNormal = boundedTime(forecast.token)
  const rest = { mu: token.mu + Math.log(Math.max(1, answerTokens - 1)), variance: token.variance }
  const end = sumOf([boundedTime(asOneLogNormal(firstToken)), boundedTime(rest)])
  const tokenMs = meanOf(token)
  const first = predictionOf(firstToken)
  const { usualMs = Number.POSITIVE_INFINITY, ageMs = 0 } = forecast
  const isSlowed = ageMs >= slowedForMs && Math.exp(firstToken.mu) > slowedBy * usualMs
  return {
    ...toArmRef(ref),
    firstToken,
    firstMs: first.meanMs,
    firstP90Ms: first.p90Ms,
    ...costs,
    tokenMs,
    endMs: meanOf(end),
    restMs: restOf(tokenMs, answerTokens, objective, readingMs),
    usualMs: isSlowed ? usualMs : undefined,
    prediction: {
      ...toArmRef(ref),
      firstToken: first,
      tokensPerSecond: 1000 / tokenMs,
      end: predictionOf(end),
      isMeasured: forecast.isMeasured,
      price: whole,
    },
  }
}
