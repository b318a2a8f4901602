import type { Session } from './session.ts'

/** What a policy knows at a request's arrival, and what it answers. One object is filled anew each time. */
export interface Choice {
  /** In. */
  nowMs: number
  index: number
  /** Runs that wait or are under way on the device, and how long the present one has been. */
  edgeWaiting: number
  edgeElapsedMs: number
  edgeReady: boolean
  edgeReadyInMs: number
  /** Out. */
  cloudFirst: boolean
  /** Milliseconds until the other arm is started, too; infinite: never. */
  secondAfterMs: number
  probe: boolean
  /** Out, for coverage: the 90th percentile that was predicted of the first arm; NaN: none. */
  p90Ms: number
}

/** A way to route, made anew for each session. */
export interface Policy {
  decide(choice: Choice): void
  /** A run on the device ended, whether or not its answer was used; `runMs` is without its wait. */
  edgeEnded?(index: number, nowMs: number, runMs: number, sinceStartMs: number, used: boolean): void
  cloudAnswered?(index: number, nowMs: number, totalMs: number, serverMs: number): void
  cloudFailed?(index: number, nowMs: number, totalMs: number): void
  /** A request to the cloud was given up after `elapsedMs`, because the device answered first. */
  cloudLost?(index: number, nowMs: number, elapsedMs: number): void
  /** The cloud answered first: the edge run goes on unheard, or, if it has not begun, never does. */
  edgeLost?(index: number, nowMs: number, sinceStartMs: number, beganAtOnce: boolean): void
  probed?(nowMs: number, totalMs: number): void
  /** The request has its answer. */
  ended?(index: number, nowMs: number): void
}

export type PolicyMaker = (session: Session, random: () => number) => Policy

/** As many as the client sends. */
export const probeBytes = 16_384
