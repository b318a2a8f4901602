import type { Arm, RouteReason } from '../contracts/route.ts'
import { routeReasons } from '../contracts/route-reasons.ts'
import { noArmReasons } from './no-arm-reasons.ts'
import type { RouteDecision } from './router-types.ts'

/** The decision's reason as a sentence for people. */
export const sentenceOf = (decision: RouteDecision): string =>
  decision.arm === undefined ? noArmReasons[decision.reason] : routeReasons[decision.reason]

/** The reason of an answer that came from the other arm because `failed` had failed. */
export const reasonAfterFallOver = (failed: Arm): RouteReason => `${failed}-failed`
