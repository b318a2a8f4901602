import type { ArmName, RunOutcome, TextChoice, TextPolicy } from './policy.ts'
import { cloudFirstMs, readMs, type TextSession } from './world.ts'

/** How long it takes until the same arm can be asked once more after it has failed. */
const againMs: Readonly<Record<ArmName, number>> = { edge: 1_500, cloud: 250 }
/** Milliseconds until a failure is noticed. */
const failureMs: Readonly<Record<ArmName, number>> = { edge: 100, cloud: 120 }

const otherOf = (arm: ArmName): ArmName => (arm === 'edge' ? 'cloud' : 'edge')
/** Milliseconds to the first token when request `i` begins there at `atMs`. */
export const firstMsOf = (session: TextSession, i: number, arm: ArmName, atMs: number): number => {
  const tokens = session.promptTokens[i] ?? 0
  return arm === 'edge' ? readMs(session, i, tokens) : cloudFirstMs(session, i, atMs, tokens)
}

export interface Begun {
  /** Milliseconds from the request to its first token. */
  readonly firstMs: number
  readonly winner: ArmName
  readonly runs: readonly RunOutcome[]
  readonly wastedTokens: number
}

/** Milliseconds to the first token when an arm is asked alone, and once more should it fail. */
export function aloneMsOf(session: TextSession, i: number, arm: ArmName, atMs: number): number {
  const isFailing = (arm === 'edge' ? session.edgeFails : session.cloudFails)[i] === 1
  const lostMs = isFailing ? failureMs[arm] + againMs[arm] : 0
  return lostMs + firstMsOf(session, i, arm, atMs + lostMs)
}

/** Carries a choice out until the first token. */
export function begin(session: TextSession, i: number, choice: TextChoice): Begun {
  const atMs = session.atMs[i] ?? 0
  const prompt = session.promptTokens[i] ?? 0
  const fails = { edge: session.edgeFails[i] === 1, cloud: session.cloudFails[i] === 1 }
  const { first, fallsBack } = choice
  const second = otherOf(first)
  const runs: RunOutcome[] = []
  /** When each run started and ends, from the request on; a failure ends it, too. */
  const run = (arm: ArmName, startMs: number, failed: boolean) => ({
    arm,
    startMs,
    failed,
    endMs: startMs + (failed ? failureMs[arm] : firstMsOf(session, i, arm, atMs + startMs)),
  })
  const one = run(first, 0, fails[first])
  const again = one.failed && choice.retries ? run(first, one.endMs + againMs[first], false) : undefined
  const goesOver = one.failed && fallsBack && again === undefined
  const secondAtMs = Math.min(choice.afterMs, goesOver ? one.endMs : Number.POSITIVE_INFINITY)
  const two = secondAtMs < (again ?? one).endMs || goesOver ? run(second, secondAtMs, fails[second]) : undefined
  let all = [one, again, two].filter((each) => each !== undefined)
  const lastFailure = Math.max(...all.map(({ endMs }) => endMs))
  // Nobody is left: the first arm is asked once more.
  if (all.every(({ failed }) => failed)) all = [...all, run(first, lastFailure + againMs[first], false)]
  const working = all.filter(({ failed }) => !failed)
  const winner = working.reduce((a, b) => (b.endMs < a.endMs ? b : a))
  let wastedTokens = 0
  for (const each of all) {
    if (each.startMs > winner.endMs) continue
    const elapsed = Math.min(winner.endMs, each.endMs) - each.startMs
    if (each.failed) runs.push({ arm: each.arm, result: 'failed', ms: elapsed, tokens: 0 })
    else if (each === winner) runs.push({ arm: each.arm, result: 'answered', ms: elapsed, tokens: 0 })
    else {
      const tokens = each.arm === 'edge' ? (prompt * elapsed) / (each.endMs - each.startMs) : prompt
      wastedTokens += tokens
      runs.push({ arm: each.arm, result: 'lost', ms: elapsed, tokens })
    }
  }
  return { firstMs: winner.endMs, winner: winner.arm, runs, wastedTokens }
}

/** The first tokens of a session under a policy. */
export interface FirstTokens {
  readonly firstMs: Float64Array
  readonly wastedTokens: number
  /** Of prompts and answers, wasted ones among them. */
  readonly tokens: number
  readonly cloudShare: number
  readonly raced: number
}

export function simulateFirstTokens(session: TextSession, policy: TextPolicy): FirstTokens {
  const { count } = session
  const firstMs = new Float64Array(count)
  let [wastedTokens, tokens, cloud, raced] = [0, 0, 0, 0]
  for (let i = 0; i < count; i += 1) {
    const atMs = session.atMs[i] ?? 0
    const begun = begin(session, i, policy.decide(i, atMs))
    firstMs[i] = begun.firstMs
    wastedTokens += begun.wastedTokens
    tokens += begun.wastedTokens + (session.promptTokens[i] ?? 0) + (session.answerTokens[i] ?? 0)
    cloud += begun.winner === 'cloud' ? 1 : 0
    raced += begun.runs.filter(({ result }) => result !== 'failed').length > 1 ? 1 : 0
    policy.begun?.(i, atMs + begun.firstMs, begun.runs)
  }
  return { firstMs, wastedTokens, tokens, cloudShare: cloud / count, raced: raced / count }
}
