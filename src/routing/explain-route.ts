import type { Arm, RouteReason } from '../contracts/route.ts'
import { routeReasons } from '../contracts/route-reasons.ts'
import type { Decision } from './limit-route.ts'
import { noArmReasons } from './no-arm-reasons.ts'

/** The sentence for people that belongs to a decision, whether it found an arm or not. */
export const sentenceOf = (decision: Decision): string =>
  decision.arm === undefined ? noArmReasons[decision.reason] : routeReasons[decision.reason]

/** Why the other arm answered after `failed` had not. */
export const reasonAfterFallOver = (failed: Arm): RouteReason => (failed === 'edge' ? 'edge-failed' : 'cloud-failed')
