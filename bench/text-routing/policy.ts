import type { TextSession } from './world.ts'

export type ArmName = 'edge' | 'cloud'

export interface TextChoice {
  readonly first: ArmName
  /** Milliseconds until the other arm is started, too; infinite: never. */
  readonly afterMs: number
  /** Whether the other arm is asked when one fails before its first token. */
  readonly fallsBack: boolean
  /** Whether the same arm is asked once more before that. */
  readonly retries?: boolean
}

/** How one run went until the request's first token. Times are milliseconds from the run's start. */
export interface RunOutcome {
  readonly arm: ArmName
  readonly result: 'answered' | 'lost' | 'failed'
  readonly ms: number
  /** Wasted tokens: of the prompt, read, and of the answer, written. */
  readonly tokens: number
}

/** A way to begin answers, made anew for each session. */
export interface TextPolicy {
  decide(i: number, nowMs: number): TextChoice
  /** The request's first token is here. */
  begun?(i: number, nowMs: number, runs: readonly RunOutcome[]): void
}

export type TextPolicyMaker = (session: TextSession, random: () => number) => TextPolicy
