import type { RouteReason } from '../../../contracts/route.ts'
import type { TextSnapshot } from '../text-types.ts'
import type { TextArm } from './text-arm.ts'

/** The reason to show for the arm that the plan starts on, where both could have been taken. */
export function whyText(
  { objective = 'first-token', deadlineMs, edge: { status } }: TextSnapshot,
  taken: TextArm,
  left: TextArm,
  readingMs: number,
): RouteReason {
  const { arm } = taken
  const isSooner = objective === 'whole' ? taken.endMs <= left.endMs : taken.firstMs <= left.firstMs
  // The budgets are what tipped the scales.
  const slowerMs = taken.firstMs + taken.restMs - left.firstMs - left.restMs
  if (!isSooner && slowerMs >= 0 && left.extraMs - taken.extraMs >= slowerMs && left.extraMs > taken.extraMs)
    return `${arm}-cheaper`
  if (arm === 'cloud' && status !== 'ready' && taken.firstMs <= left.firstMs) return 'edge-not-ready'
  if (objective === 'whole') return isSooner ? `${arm}-faster` : `${arm}-safer`
  if (isSooner) return `${arm}-first-token`
  if (taken.tokenMs <= readingMs && left.tokenMs > readingMs) return `${arm}-keeps-pace`
  if (deadlineMs !== undefined && taken.firstP90Ms <= deadlineMs && left.firstP90Ms > deadlineMs)
    return `${arm}-in-time`
  // Slower on its own, it is the better start of a race: the other arm follows if needed.
  return `${arm}-safer`
}
