import * as v from 'valibot'
import { object } from '../../../contracts/object-schemas.ts'
import type { Arm } from '../../../contracts/route.ts'
import { type Breaker, createBreaker } from '../../accounts/breaker.ts'
import { armKey } from '../../arm-ref.ts'
import type { ArmRef, Spending } from '../../router-types.ts'
import type { textSettings } from '../text-settings.ts'
import type { TextPlan, TextPrice, TextRunEnd } from '../text-types.ts'
import { countTokens, priceOfText } from './text-prices.ts'
import { createTokenBudget, type TokenBudget } from './token-budget.ts'

/** What the text router remembers from request to request: budgets, breakers, and what running plans have reserved. */
export interface TextAccounts {
  readonly budgets: Readonly<Record<Arm, TokenBudget>>
  allows(ref: ArmRef, nowMs: number): boolean
  /** A request came that is expected to have so many tokens: adds its share to the budgets. */
  refill(prices: TextPrices, tokens: { readonly prompt: number; readonly answer: number }): void
  /** A plan is carried out: its second run's tokens are set aside. */
  reserve(plan: TextPlan, prices: TextPrices, promptTokens: number, nowMs: number): void
  observe(plan: TextPlan, end: TextRunEnd, nowMs: number): void
  settle(plan: TextPlan): void
  snapshot(): unknown
  restore(stored: unknown): void
}

/** What tokens cost on each arm, by its key. */
export type TextPrices = ReadonlyMap<string, TextPrice | undefined>

interface Reservation {
  readonly prices: TextPrices
  readonly second: Arm | undefined
  readonly tokens: number
  readonly lost: { readonly arm: Arm; readonly tokens: number }[]
}

const finite = v.pipe(v.number(), v.finite())
const budgetSchema = v.optional(object({ level: finite, unit: finite }))
const snapshotSchema = object({ version: v.literal(1), edge: budgetSchema, cloud: budgetSchema })

export function createTextAccounts(
  settings: typeof textSettings,
  spending: Pick<Spending, 'spend'> | undefined,
): TextAccounts {
  const { edgeShare, cloudShare, edgeBurst, cloudBurst, edgePrice, cloudPrice, growth, priceFloorMs } = settings
  const budgets = {
    edge: createTokenBudget({ share: edgeShare, burst: edgeBurst, price: edgePrice, growth, priceFloorMs }),
    cloud: createTokenBudget({ share: cloudShare, burst: cloudBurst, price: cloudPrice, growth, priceFloorMs }),
  }
  const breakers = new Map<string, Breaker>()
  const reservations = new WeakMap<TextPlan, Reservation>()
  const breakerOf = (ref: ArmRef) => {
    const key = armKey(ref)
    const known = breakers.get(key) ?? createBreaker()
    breakers.set(key, known)
    return known
  }
  return {
    budgets,
    allows: (ref, nowMs) => breakerOf(ref).allows(nowMs),
    refill(prices, tokens) {
      for (const arm of ['edge', 'cloud'] as const) {
        // Of several endpoints the first one, which is the best: it is the one that races.
        const [, price] = [...prices].find(([key]) => (key === 'edge') === (arm === 'edge')) ?? []
        budgets[arm].refill(countTokens(price, tokens))
      }
    },
    reserve(plan, prices, promptTokens, nowMs) {
      const { second } = plan
      breakerOf(plan).begin(nowMs)
      const tokens =
        second === undefined ? 0 : countTokens(prices.get(armKey(second)), { prompt: promptTokens, answer: 0 })
      if (second !== undefined) budgets[second.arm].spend(tokens)
      reservations.set(plan, { prices, second: second?.arm, tokens, lost: [] })
    },
    observe(plan, end, nowMs) {
      const breaker = breakerOf(end)
      if (end.result === 'answered') breaker.success()
      else if (end.result === 'failed') breaker.failure(nowMs)
      else breaker.abandon()
      const reservation = reservations.get(plan)
      const price = reservation?.prices.get(armKey(end))
      const answer = Math.min(end.tokens, end.answerTokens ?? 0)
      const tokens = { prompt: end.tokens - answer, answer }
      // Whatever came of it, it was read and written.
      if (price !== undefined) spending?.spend(priceOfText(price, tokens))
      if (end.result === 'lost') reservation?.lost.push({ arm: end.arm, tokens: countTokens(price, tokens) })
    },
    settle(plan) {
      const reservation = reservations.get(plan)
      if (reservation === undefined) return
      reservations.delete(plan)
      if (reservation.second !== undefined) budgets[reservation.second].giveBack(reservation.tokens)
      for (const { arm, tokens } of reservation.lost) budgets[arm].spend(tokens)
    },
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
