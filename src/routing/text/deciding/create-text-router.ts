import * as v from 'valibot'
import type { Arm, RouteReason } from '../../../contracts/route.ts'
import { object } from '../../../contracts/object-schemas.ts'
import { type Breaker, createBreaker } from '../../accounts/breaker.ts'
import { armKey, toArmRef } from '../../arm-ref.ts'
import type { ArmRef } from '../../router-types.ts'
import { createTokenBudget, type TokenBudget } from '../budget/token-budget.ts'
import { textSettings } from '../text-settings.ts'
import type { TextDecision, TextPlan, TextRouter, TextSnapshot } from '../text-types.ts'
import { type LimitedText, limitText, usableClouds } from './limit-text.ts'
import { createRacePlanner, type RaceArm } from './plan-race.ts'
import { type TextArm, toTextArm } from './text-arm.ts'
import { whyText } from './why-text.ts'

const never = Number.POSITIVE_INFINITY
/** Tokens of an answer that are written before a race is over and its loser ended. */
const overrunTokens = 2

interface Choice {
  readonly first: TextArm
  readonly second: { readonly arm: TextArm; readonly afterMs: number } | undefined
  readonly reason: RouteReason
  readonly fallbacks: readonly ArmRef[]
}
/** What is set aside for a plan's second run, and what its lost runs have cost. */
interface Reservation {
  readonly second: Arm | undefined
  readonly tokens: number
  readonly lost: { readonly arm: Arm; readonly tokens: number }[]
}

const finite = v.pipe(v.number(), v.finite())
const budgetSchema = v.optional(object({ level: finite, unit: finite }))
const snapshotSchema = object({ version: v.literal(1), edge: budgetSchema, cloud: budgetSchema })

const usualAnswer = ({ maxTokens, answerTokens }: TextSnapshot) =>
  Math.max(1, Math.min(answerTokens ?? Math.min(150, maxTokens / 4), maxTokens))

/**
 * @param options.now milliseconds; default `Date.now`
 * @param options.settings budgets for races and prices; default `textSettings`
 */
export function createTextRouter(
  options: { readonly now?: () => number; readonly settings?: Partial<typeof textSettings> } = {},
): TextRouter {
  const { now = Date.now } = options
  const settings = { ...textSettings, ...options.settings }
  const { growth, priceFloorMs } = settings
  const budgets: Readonly<Record<Arm, TokenBudget>> = {
    edge: createTokenBudget({
      share: settings.edgeShare,
      burst: settings.edgeBurst,
      price: settings.edgePrice,
      growth,
      priceFloorMs,
    }),
    cloud: createTokenBudget({
      share: settings.cloudShare,
      burst: settings.cloudBurst,
      price: settings.cloudPrice,
      growth,
      priceFloorMs,
    }),
  }
  const breakers = new Map<string, Breaker>()
  const reservations = new WeakMap<TextPlan, Reservation>()
  const planRace = createRacePlanner()

  const breakerOf = (ref: ArmRef) => {
    const key = armKey(ref)
    const known = breakers.get(key) ?? createBreaker()
    breakers.set(key, known)
    return known
  }

  const toRaceArm = (arm: TextArm, other: TextArm, snapshot: TextSnapshot): RaceArm => {
    const { edge, savePower, once, mayMove, promptTokens } = snapshot
    const isEdge = arm.arm === 'edge'
    const price = budgets[arm.arm].priceOf(Math.min(arm.firstMs, other.firstMs))
    const read = Math.max(1, isEdge ? promptTokens - (edge.cachedTokens ?? 0) : promptTokens)
    const mayRun = once !== true && (!isEdge || (edge.status === 'ready' && savePower !== true))
    // What is slow here can go on there, for what a move costs.
    const moved = mayMove === true ? other.restMs + other.firstMs : never
    return {
      firstToken: arm.firstToken ?? { mu: 0, variance: 0 },
      outlier: isEdge ? settings.edgeOutlier : settings.cloudOutlier,
      restMs: Math.min(arm.restMs, moved),
      wasted: isEdge
        ? { fixed: 0, perMs: (price * read) / Math.max(1, arm.firstMs), most: price * (read + overrunTokens) }
        : { fixed: price * (read + overrunTokens), perMs: 0, most: price * (read + overrunTokens) },
      mayFollow: mayRun && budgets.edge.isOpen && budgets.cloud.isOpen,
    }
  }

  /** Which of the two starts, and when the other follows. */
  const race = (a: TextArm, b: TextArm, snapshot: TextSnapshot) => {
    if (a.firstToken === undefined || b.firstToken === undefined) {
      const takeA = a.firstToken !== undefined || (b.firstToken === undefined && snapshot.edge.status === 'ready')
      return { first: takeA ? a : b, second: undefined }
    }
    const { deadlineMs } = snapshot
    const terms = { tailWeight: settings.tailWeight, deadlineMs: deadlineMs ?? never, lateMs: deadlineMs ?? 0 }
    const { firstStarts, afterMs } = planRace(toRaceArm(a, b, snapshot), toRaceArm(b, a, snapshot), terms)
    const [first, other] = firstStarts ? [a, b] : [b, a]
    return { first, second: afterMs < never ? { arm: other, afterMs } : undefined }
  }

  const chooseLimited = (
    limited: Extract<LimitedText, { arm: Arm }>,
    edge: TextArm,
    clouds: readonly TextArm[],
    snapshot: TextSnapshot,
  ): Choice => {
    const { reason, fallback } = limited
    const [best, spare] = clouds
    if (limited.arm === 'edge' || best === undefined) {
      const fallbacks = fallback === 'cloud' ? clouds.map(toArmRef) : []
      return { first: edge, second: undefined, reason, fallbacks }
    }
    const mayRace = spare !== undefined && breakerOf(spare).allows(now())
    const { first, second } = mayRace ? race(best, spare, snapshot) : { first: best, second: undefined }
    const others = clouds.filter((each) => each !== first).map(toArmRef)
    return { first, second, reason, fallbacks: fallback === 'edge' ? [...others, toArmRef(edge)] : others }
  }

  /** Even with a failure in between, this arm is predicted to write its first token long before those it falls back on. */
  const isFarBest = (first: TextArm, all: readonly TextArm[], fallbacks: readonly ArmRef[]) => {
    const againMs = first.arm === 'edge' ? settings.edgeAgainMs : settings.cloudAgainMs
    const keys = new Set(fallbacks.map(armKey))
    return all.every((arm) => !keys.has(armKey(arm)) || arm.firstMs > settings.retryFactor * (first.firstMs + againMs))
  }

  const plan = (snapshot: TextSnapshot, forReal: boolean): TextDecision => {
    const nowMs = now()
    const { model, objective = 'first-token' } = snapshot
    const answerTokens = usualAnswer(snapshot)
    const about = { answerTokens, objective, readingMs: settings.readingMs }
    const edge = toTextArm({ arm: 'edge' }, snapshot.edge.forecast, about)
    const able = usableClouds(snapshot)
    const isSetAside = new Map<TextArm, boolean>()
    const clouds = able.able
      .filter(({ hasModel }) => hasModel !== false)
      .map(({ endpoint, forecast }) => {
        const arm = toTextArm({ arm: 'cloud', endpoint }, forecast, about)
        isSetAside.set(arm, !breakerOf(arm).allows(nowMs))
        return arm
      })
      .sort(
        (a, b) =>
          Number(isSetAside.get(a)) - Number(isSetAside.get(b)) || a.firstMs + a.restMs - (b.firstMs + b.restMs) || 0,
      )
    const [cloud] = clouds
    const arms = [edge, ...clouds].flatMap(({ prediction }) => prediction ?? [])
    const breakersOpen = {
      edgeOpen: !breakerOf(edge).allows(nowMs),
      cloudOpen: cloud !== undefined && isSetAside.get(cloud) === true,
    }
    const limited = limitText(snapshot, able, breakersOpen, answerTokens)
    if (limited !== undefined && limited.arm === undefined) return { ...limited, arms }

    const tokens = snapshot.promptTokens + answerTokens
    if (forReal) for (const budget of [budgets.edge, budgets.cloud]) budget.refill(tokens)
    let choice: Choice
    if (limited !== undefined) choice = chooseLimited(limited, edge, clouds, snapshot)
    else if (cloud === undefined) choice = { first: edge, second: undefined, reason: 'no-endpoint', fallbacks: [] }
    else {
      const { first, second } = race(edge, cloud, snapshot)
      const [left, others] = first === edge ? [cloud, clouds] : [edge, [edge, ...clouds.slice(1)]]
      const isRace = second?.afterMs === 0 && second.arm.firstMs < first.firstMs
      choice = {
        first,
        second,
        reason: isRace ? 'first-token-race' : whyText(snapshot, first, left, settings.readingMs),
        fallbacks: others.map(toArmRef),
      }
    }
    const { first, second, reason, fallbacks } = choice
    const made: TextPlan = {
      ...toArmRef(first),
      model,
      objective,
      reason,
      fallbacks,
      ...(second === undefined ? {} : { second: { ...toArmRef(second.arm), afterMs: second.afterMs } }),
      retries: fallbacks.length === 0 || isFarBest(first, [edge, ...clouds], fallbacks),
      arms,
      answerTokens,
    }
    if (forReal) {
      breakerOf(first).begin(nowMs)
      const reserved = second === undefined ? 0 : snapshot.promptTokens
      if (second !== undefined) budgets[second.arm.arm].spend(reserved)
      reservations.set(made, { second: second?.arm.arm, tokens: reserved, lost: [] })
    }
    return made
  }

  return {
    decide: (snapshot) => plan(snapshot, true),
    peek: (snapshot) => plan(snapshot, false),
    observe(made, end) {
      const breaker = breakerOf(end)
      if (end.result === 'answered') breaker.success()
      else if (end.result === 'failed') breaker.failure(now())
      else breaker.abandon()
      if (end.result === 'lost') reservations.get(made)?.lost.push({ arm: end.arm, tokens: end.tokens })
    },
    settle(made) {
      const reservation = reservations.get(made)
      if (reservation === undefined) return
      reservations.delete(made)
      if (reservation.second !== undefined) budgets[reservation.second].giveBack(reservation.tokens)
      for (const { arm, tokens } of reservation.lost) budgets[arm].spend(tokens)
    },
    allows: (ref) => breakerOf(ref).allows(now()),
    snapshot: () => ({ version: 1, edge: budgets.edge.state, cloud: budgets.cloud.state }),
    restore(stored) {
      const parsed = v.safeParse(snapshotSchema, stored)
      if (!parsed.success) return
      const { edge, cloud } = parsed.output
      if (edge !== undefined) budgets.edge.restore(edge)
      if (cloud !== undefined) budgets.cloud.restore(cloud)
    },
  }
}
