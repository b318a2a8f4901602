import type { RouteAttempt } from '../../../contracts/route.ts'
import type { MoveReason } from '../../../contracts/route-reasons.ts'
import { armKey, toArmRef } from '../../../routing/arm-ref.ts'
import type { ArmRef } from '../../../routing/router-types.ts'
import { given } from '../../../utils/given.ts'
import { systemTimers, type Timers } from '../../../utils/with-deadline.ts'
import type { ConductOptions, WritingLog } from './conduct-types.ts'
import { type FaultBook, openFaultBook } from './fault-book.ts'
import type { LiveRun } from './live-run.ts'
import type { ReadingAhead } from './read-ahead.ts'
import type { RunEnd } from './run-types.ts'

/** An arm is to be left: since when and why, and who was asked to take over. */
export interface Leaving {
  readonly run: LiveRun
  readonly reason: MoveReason
  readonly isFailure: boolean
  readonly at: number
  readonly error?: string
  readonly asked: Set<string>
}

/** An answer's arms at one moment. */
export interface Scene {
  readonly options: ConductOptions
  readonly nowMs: () => number
  readonly timers: Timers
  /** Every run, in the order of their starts; those that the answer has text of; what failed. */
  readonly runs: LiveRun[]
  readonly wrote: Set<LiveRun>
  readonly faults: FaultBook
  readonly log: WritingLog
  /** The run that writes, and the arm that wrote last. */
  writer: LiveRun | undefined
  lastWriter: ArmRef | undefined
  /** Who is watched: the writer, or who is to be the next one. */
  watched: LiveRun | undefined
  leaving: Leaving | undefined
  ahead: ReadingAhead | undefined
  /** Counts what was added to the answer. */
  version: number
  /** Tokens that the answer had when receivers were last looked for. */
  lookedAt: number
  /** May an arm that works be left for another one? */
  mayChoose: boolean
  isOver: boolean
  timer: unknown
  /** Does what is due now, and comes again when something else is. */
  schedule: () => void
  /** Ends the answer: all other runs are aborted. */
  finish: (run: LiveRun, end: RunEnd) => void
  fail: (error: unknown) => void
}

const nobody = () => {}

export function openScene(options: ConductOptions): Scene {
  const { nowMs = () => performance.now(), timers = systemTimers } = options
  const runs: LiveRun[] = []
  const startedAt = nowMs()
  const toAttempt = ({ ref, startedAt: at, end }: LiveRun): RouteAttempt => ({
    ...toArmRef(ref),
    startedMs: at - startedAt,
    ms: (end?.at ?? nowMs()) - at,
    ...given({ result: end?.result, error: end?.error }),
  })
  return {
    ...{ options, nowMs, timers, runs },
    wrote: new Set(),
    faults: openFaultBook(),
    log: {
      moves: [],
      wastedTokens: 0,
      readyAt: undefined,
      firstTokenAt: undefined,
      lastTokenAt: undefined,
      first: undefined,
      reason: undefined,
      cachedTokens: 0,
      attempts: () => runs.map(toAttempt),
    },
    writer: undefined,
    lastWriter: undefined,
    watched: undefined,
    leaving: undefined,
    ahead: undefined,
    version: 0,
    lookedAt: Number.NEGATIVE_INFINITY,
    mayChoose: true,
    isOver: false,
    timer: undefined,
    schedule: nobody,
    finish: nobody,
    fail: nobody,
  }
}

export const liveRuns = ({ runs }: Scene): readonly LiveRun[] => runs.filter(({ end }) => end === undefined)
/** Runs that have not written yet. */
export const candidates = (scene: Scene): readonly LiveRun[] => liveRuns(scene).filter((run) => run !== scene.writer)
export const isRunning = (scene: Scene, ref: ArmRef): boolean =>
  liveRuns(scene).some((run) => armKey(run.ref) === armKey(ref))

/** Ends a run, aborts what is left of it, and has the router know. */
export function endRun(
  { options, wrote, log, nowMs }: Scene,
  run: LiveRun,
  result: NonNullable<RouteAttempt['result']>,
  error?: string,
): void {
  if (run.end !== undefined) return
  run.end = { result, at: nowMs(), ...given({ error }) }
  if (result === 'lost') run.endedEarly(nowMs())
  const tokens = run.read() + run.written()
  const unused = (run.queue ?? []).reduce((sum, part) => sum + part.tokens, 0)
  log.wastedTokens += wrote.has(run) ? unused : tokens
  options.router.observe(options.plan, { ...toArmRef(run.ref), result, tokens, answerTokens: run.written() })
  run.controller.abort(new DOMException('Another arm writes the answer.', 'AbortError'))
}

/** What was read ahead is not needed. */
export function stopAhead(scene: Scene): void {
  const { ahead, log } = scene
  if (ahead === undefined) return
  scene.ahead = undefined
  ahead.stop()
  log.wastedTokens += ahead.tokens()
}
