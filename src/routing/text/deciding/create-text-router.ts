import type { Arm, RouteReason } from '../../../contracts/route.ts'
import { armKey, toArmRef } from '../../arm-ref.ts'
import type { ArmPrice, ArmRef, Spending } from '../../router-types.ts'
import { createTextAccounts } from '../budget/text-accounts.ts'
import { textSettings } from '../text-settings.ts'
import type { TextDecision, TextPlan, TextRouter, TextSnapshot } from '../text-types.ts'
import { createTextPairChooser, type TextPair } from './choose-pair.ts'
import { type LimitedText, limitText, usableClouds } from './limit-text.ts'
import { type TextArm, toTextArm } from './text-arm.ts'
import { whyText } from './why-text.ts'

interface Choice extends TextPair {
  readonly reason: RouteReason
  readonly fallbacks: readonly ArmRef[]
}

const usualAnswer = ({ maxTokens, answerTokens }: TextSnapshot) =>
  Math.max(1, Math.min(answerTokens ?? Math.min(150, maxTokens / 4), maxTokens))

/** The limits leave one side. Of several endpoints, a second one may still race the first. */
function chooseLimited(
  limited: Extract<LimitedText, { arm: Arm }>,
  edge: TextArm,
  clouds: readonly TextArm[],
  raceClouds: ((best: TextArm, spare: TextArm) => TextPair) | undefined,
): Choice {
  const { reason, fallback } = limited
  const [best, spare] = clouds
  if (limited.arm === 'edge' || best === undefined) {
    return { first: edge, second: undefined, reason, fallbacks: fallback === 'cloud' ? clouds.map(toArmRef) : [] }
  }
  const pair = spare !== undefined && raceClouds !== undefined ? raceClouds(best, spare) : undefined
  const { first, second } = pair ?? { first: best, second: undefined }
  const others = clouds.filter((each) => each !== first).map(toArmRef)
  return { first, second, reason, fallbacks: fallback === 'edge' ? [...others, toArmRef(edge)] : others }
}

/** Even with a failure in between, an arm is predicted to write its first token long before those it falls back on. */
function isFarBest(
  first: TextArm,
  all: readonly TextArm[],
  fallbacks: readonly ArmRef[],
  { edgeAgainMs, cloudAgainMs, retryFactor }: typeof textSettings,
): boolean {
  const ownMs = first.firstMs + (first.arm === 'edge' ? edgeAgainMs : cloudAgainMs)
  const keys = new Set(fallbacks.map(armKey))
  return all.every((arm) => !keys.has(armKey(arm)) || arm.firstMs > retryFactor * ownMs)
}

/**
 * @param options.now milliseconds; default `Date.now`
 * @param options.settings budgets for races and prices; default `textSettings`
 * @param options.spending the budgets of money and energy, shared with other requests; default: there are none
 */
export function createTextRouter(
  options: {
    readonly now?: () => number
    readonly settings?: Partial<typeof textSettings> | undefined
    readonly spending?: Spending | undefined
  } = {},
): TextRouter {
  const { now = Date.now, spending } = options
  const extraMsOf = (price: ArmPrice) => spending?.extraMsOf(price) ?? 0
  const settings = { ...textSettings, ...options.settings }
  const accounts = createTextAccounts(settings, spending)
  const choosePair = createTextPairChooser(accounts, settings)

  const plan = (snapshot: TextSnapshot, forReal: boolean): TextDecision => {
    const nowMs = now()
    const { model, objective = 'first-token', promptTokens } = snapshot
    const answerTokens = usualAnswer(snapshot)
    const about = { answerTokens, objective, readingMs: settings.readingMs, extraMsOf, uncachedTokens: promptTokens }
    const edge = toTextArm({ arm: 'edge' }, snapshot.edge.forecast, {
      ...about,
      uncachedTokens: Math.max(0, promptTokens - (snapshot.edge.cachedTokens ?? 0)),
      price: snapshot.edge.price,
    })
    const able = usableClouds(snapshot)
    const allowed = new Map<TextArm, boolean>()
    const costOf = (arm: TextArm) =>
      (allowed.get(arm) ? 0 : 1e12) + Math.min(1e11, arm.firstMs + arm.restMs + arm.extraMs)
    const clouds = able.able
      .filter(({ hasModel }) => hasModel !== false)
      .map(({ endpoint, forecast, price }) => {
        const arm = toTextArm({ arm: 'cloud', endpoint }, forecast, { ...about, price })
        allowed.set(arm, accounts.allows(arm, nowMs))
        return arm
      })
      .sort((a, b) => costOf(a) - costOf(b))
    const [cloud, spare] = clouds
    const arms = [edge, ...clouds].flatMap(({ prediction }) => prediction ?? [])
    const breakers = {
      edgeOpen: !accounts.allows(edge, nowMs),
      cloudOpen: cloud !== undefined && allowed.get(cloud) !== true,
    }
    const limited = limitText(snapshot, able, breakers, answerTokens)
    if (limited !== undefined && limited.arm === undefined) return { ...limited, arms }

    const prices = new Map([edge, ...clouds].map((arm) => [armKey(arm), arm.price]))
    if (forReal) accounts.refill(prices, { prompt: promptTokens, answer: answerTokens })
    let choice: Choice
    if (limited !== undefined) {
      const mayRace = spare !== undefined && allowed.get(spare) === true
      choice = chooseLimited(limited, edge, clouds, mayRace ? (a, b) => choosePair(a, b, snapshot) : undefined)
    } else if (cloud === undefined) {
      choice = { first: edge, second: undefined, reason: 'no-endpoint', fallbacks: [] }
    } else {
      const { first, second } = choosePair(edge, cloud, snapshot)
      const [left, others] = first === edge ? [cloud, clouds] : [edge, [edge, ...clouds.slice(1)]]
      const isRace = second?.afterMs === 0
      const reason = isRace ? 'first-token-race' : whyText(snapshot, first, left, settings.readingMs)
      choice = { first, second, reason, fallbacks: others.map(toArmRef) }
    }
    const { first, second, reason, fallbacks } = choice
    const made: TextPlan = {
      ...toArmRef(first),
      model,
      objective,
      reason,
      fallbacks,
      ...(second === undefined ? {} : { second: { ...toArmRef(second.arm), afterMs: second.afterMs } }),
      retries: fallbacks.length === 0 || isFarBest(first, [edge, ...clouds], fallbacks, settings),
      arms,
      answerTokens,
    }
    if (forReal) accounts.reserve(made, prices, promptTokens, nowMs)
    return made
  }

  return {
    decide: (snapshot) => plan(snapshot, true),
    peek: (snapshot) => plan(snapshot, false),
    observe: (made, end) => accounts.observe(made, end, now()),
    settle: accounts.settle,
    allows: (ref) => accounts.allows(ref, now()),
    snapshot: accounts.snapshot,
    restore: accounts.restore,
  }
}
