import { type Arm, type RouteReason, routeReasons } from '../contracts/route.ts'
import type { Decision, Predictions, Route } from './decide-route.ts'
import { noArmReasons } from './no-arm-reasons.ts'

/** A route with its reason as a sentence. */
export interface ExplainedRoute {
  readonly arm: Arm
  readonly reason: RouteReason
  readonly why: string
  readonly predicted: Predictions
}

export const explainRoute = ({ arm, reason, predicted }: Route): ExplainedRoute => ({
  arm,
  reason,
  why: routeReasons[reason],
  predicted,
})

/** The sentence for people that belongs to a decision, whether it found an arm or not. */
export const sentenceOf = (decision: Decision): string =>
  decision.arm === undefined ? noArmReasons[decision.reason] : routeReasons[decision.reason]

/** Why the other arm answered after `failed` had not. */
export const reasonAfterFallOver = (failed: Arm): RouteReason => (failed === 'edge' ? 'edge-failed' : 'cloud-failed')
