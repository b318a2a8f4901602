import { type ArmCosts, createPairPlanner } from '../../deciding/pair-planner.ts'
import type { TextAccounts } from '../budget/text-accounts.ts'
import { countTokens } from '../budget/text-prices.ts'
import type { textSettings } from '../text-settings.ts'
import type { TextSnapshot } from '../text-types.ts'
import type { TextArm } from './text-arm.ts'

export interface TextPair {
  /** The arm that starts. */
  readonly first: TextArm
  /** The other one, and when it follows; undefined: never. */
  readonly second: { readonly arm: TextArm; readonly afterMs: number } | undefined
}

const never = Number.POSITIVE_INFINITY
/** An arm that next to never wins is not raced. */
const hopeless = 6
/** Tokens of an answer that are written before a race is over and its loser ended. */
const overrunTokens = 2

/** What the rest costs where the answer moves on as soon as it is seen to be slow: until then, the move, and the rest there. */
const movedRestMs = (from: TextArm, to: TextArm, { readingMs, movesAfterTokens }: typeof textSettings): number =>
  movesAfterTokens * Math.max(0, from.tokenMs - readingMs) + to.firstMs + to.restMs

/** May the arm run beside the other one? */
const mayRun = ({ arm }: TextArm, { edge, savePower, once }: TextSnapshot): boolean =>
  once !== true && (arm === 'cloud' || (edge.status === 'ready' && savePower !== true))

/** Chooses which of two arms starts, and whether and when the other one follows. */
export function createTextPairChooser(
  { budgets }: Pick<TextAccounts, 'budgets'>,
  settings: typeof textSettings,
): (a: TextArm, b: TextArm, snapshot: TextSnapshot) => TextPair {
  const planPair = createPairPlanner()

  const costsOf = (arm: TextArm, other: TextArm, snapshot: TextSnapshot): ArmCosts => {
    const { edge, mayMove, promptTokens, objective = 'first-token' } = snapshot
    const isEdge = arm.arm === 'edge'
    const price = budgets[arm.arm].priceOf(Math.min(arm.firstMs, other.firstMs))
    const read = Math.max(1, isEdge ? promptTokens - (edge.cachedTokens ?? 0) : promptTokens)
    const rest = mayMove === true ? Math.min(arm.restMs, movedRestMs(arm, other, settings)) : arm.restMs
    const counted = countTokens(arm.price, { prompt: read, answer: overrunTokens })
    const wastedMs = price * counted + arm.promptExtraMs
    return {
      outlier: isEdge ? settings.edgeOutlier : settings.cloudOutlier,
      // What comes too slowly for a reader need not be borne to the end, so the first token is what counts.
      answeredMs: (mayMove === true && objective === 'first-token' ? settings.laterWeight * rest : rest) + arm.extraMs,
      // An endpoint is paid for the whole prompt at once; this device has read what it has read.
      wastedMs,
      wastedPerMs: isEdge ? wastedMs / Math.max(1, arm.firstMs) : never,
      mayFollow: mayRun(arm, snapshot) && budgets.edge.isOpen && budgets.cloud.isOpen,
    }
  }

  return (a, b, snapshot) => {
    if (a.firstToken === undefined || b.firstToken === undefined) {
      const takeA = a.firstToken !== undefined || (b.firstToken === undefined && snapshot.edge.status === 'ready')
      return { first: takeA ? a : b, second: undefined }
    }
    const { deadlineMs } = snapshot
    const [costsA, costsB] = [costsOf(a, b, snapshot), costsOf(b, a, snapshot)]
    const { firstStarts, afterMs } = planPair(a.firstToken, b.firstToken, {
      ...{ first: costsA, other: costsB, hopeless, tailWeight: settings.tailWeight },
      deadlineMs: deadlineMs ?? never,
      lateMs: deadlineMs ?? 0,
    })
    // When both start at once, the plan names the arm that is likelier to be first, unless the other must not follow.
    const isSwapped =
      afterMs === 0 && (firstStarts ? costsA : costsB).mayFollow && a.firstToken.mu < b.firstToken.mu !== firstStarts
    const [first, other] = firstStarts !== isSwapped ? [a, b] : [b, a]
    // Hot or busy then, it may be quick again, and nothing else says when: tried beside the other one, at no cost of time.
    // Budgets may be overdrawn for it, or a wrong guess would last for as long as they are.
    const mayTry = mayRun(other, snapshot) && !budgets[other.arm].isDeep && !budgets[first.arm].isDeep
    if (mayTry && other.usualMs !== undefined && other.usualMs < first.firstMs) {
      return { first, second: { arm: other, afterMs: 0 } }
    }
    return { first, second: afterMs < never ? { arm: other, afterMs } : undefined }
  }
}
