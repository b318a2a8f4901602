import type { RouteReason } from '../../../contracts/route.ts'
import { type MoveReason, moveReasons, routeReasons } from '../../../contracts/route-reasons.ts'
import { noArmReasons } from '../../no-arm-reasons.ts'
import type { TextArmPrediction, TextDecision, TextPlan, TextRunEnd } from '../text-types.ts'

/** Reasons of their own for which nothing can write a text, with their sentences for people. */
const noTextReasons = {
  'text-too-long': 'The text is too long for every model that may write the answer. Shorten it.',
  'text-beyond-memory':
    'This device has too little memory for a text this long, and nothing else may write the answer.',
  'text-lacks': 'Nothing that may write the answer can do what was asked for.',
} as const
export type OwnNoTextReason = keyof typeof noTextReasons

/** What is shown of a decision: its sentence, and both arms' first token, tokens a second and expected end. */
export interface TextExplanation {
  readonly why: string
  readonly arms: readonly TextArmPrediction[]
}

const isOwn = (reason: string): reason is OwnNoTextReason => Object.hasOwn(noTextReasons, reason)

export function explainText(decision: TextDecision): TextExplanation {
  const { arms } = decision
  if (decision.arm !== undefined) return { why: routeReasons[decision.reason], arms }
  const { reason } = decision
  return { why: isOwn(reason) ? noTextReasons[reason] : noArmReasons[reason], arms }
}

/** The sentence of a move, for people. */
export const sentenceOfMove = (reason: MoveReason): string => moveReasons[reason]

/** The reason to record for an answer whose first token came from `winner`, after how its other runs ended. */
export function reasonOfFirstToken(
  plan: TextPlan,
  winner: Pick<TextPlan, 'arm' | 'endpoint'>,
  others: readonly Pick<TextRunEnd, 'arm' | 'result'>[],
): RouteReason {
  if (winner.arm === plan.arm) return plan.reason
  if (others.some(({ arm, result }) => arm === plan.arm && result === 'failed')) return `${plan.arm}-failed`
  return plan.second?.afterMs === 0 ? 'first-token-race' : `${plan.arm}-overtaken`
}
