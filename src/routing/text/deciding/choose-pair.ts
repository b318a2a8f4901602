import type { TextAccounts } from '../budget/text-accounts.ts'
import type { textSettings } from '../text-settings.ts'
import type { TextSnapshot } from '../text-types.ts'
import { createRacePlanner, type RaceArm } from './plan-race.ts'
import type { TextArm } from './text-arm.ts'

export interface TextPair {
  /** The arm that starts. */
  readonly first: TextArm
  /** The other one, and when it follows; undefined: never. */
  readonly second: { readonly arm: TextArm; readonly afterMs: number } | undefined
}

const never = Number.POSITIVE_INFINITY
/** Tokens of an answer that are written before a race is over and its loser ended. */
const overrunTokens = 2

/** Chooses which of two arms starts, and whether and when the other one follows. */
export function createTextPairChooser(
  { budgets }: Pick<TextAccounts, 'budgets'>,
  settings: typeof textSettings,
): (a: TextArm, b: TextArm, snapshot: TextSnapshot) => TextPair {
  const planRace = createRacePlanner()

  const toRaceArm = (arm: TextArm, other: TextArm, snapshot: TextSnapshot): RaceArm => {
    const { edge, savePower, once, mayMove, promptTokens } = snapshot
    const isEdge = arm.arm === 'edge'
    const price = budgets[arm.arm].priceOf(Math.min(arm.firstMs, other.firstMs))
    const read = Math.max(1, isEdge ? promptTokens - (edge.cachedTokens ?? 0) : promptTokens)
    const mayRun = once !== true && (!isEdge || (edge.status === 'ready' && savePower !== true))
    // What is slow here can go on there, for what a move costs.
    const moved = mayMove === true ? other.restMs + other.firstMs : never
    const most = price * (read + overrunTokens)
    return {
      firstToken: arm.firstToken ?? { mu: 0, variance: 0 },
      outlier: isEdge ? settings.edgeOutlier : settings.cloudOutlier,
      restMs: Math.min(arm.restMs, moved),
      wasted: isEdge
        ? { fixed: 0, perMs: (price * read) / Math.max(1, arm.firstMs), most }
        : { fixed: most, perMs: 0, most },
      mayFollow: mayRun && budgets.edge.isOpen && budgets.cloud.isOpen,
    }
  }

  return (a, b, snapshot) => {
    if (a.firstToken === undefined || b.firstToken === undefined) {
      const takeA = a.firstToken !== undefined || (b.firstToken === undefined && snapshot.edge.status === 'ready')
      return { first: takeA ? a : b, second: undefined }
    }
    const { deadlineMs } = snapshot
    const terms = { tailWeight: settings.tailWeight, deadlineMs: deadlineMs ?? never, lateMs: deadlineMs ?? 0 }
    const [raceA, raceB] = [toRaceArm(a, b, snapshot), toRaceArm(b, a, snapshot)]
    const { firstStarts, afterMs } = planRace(raceA, raceB, terms)
    // When both start at once, the plan names the arm that is likelier to be first, unless the other must not follow.
    const isSwapped =
      afterMs === 0 && (firstStarts ? raceA : raceB).mayFollow && a.firstToken.mu < b.firstToken.mu !== firstStarts
    const [first, other] = firstStarts !== isSwapped ? [a, b] : [b, a]
    // Hot or busy then, it may be quick again, and nothing else says when: tried beside the other one, at no cost of time.
    const mayTry = (firstStarts !== isSwapped ? raceB : raceA).mayFollow
    if (mayTry && other.usualMs !== undefined && other.usualMs < first.firstMs) {
      return { first, second: { arm: other, afterMs: 0 } }
    }
    return { first, second: afterMs < never ? { arm: other, afterMs } : undefined }
  }
}
