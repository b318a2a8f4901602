import { isHitherError } from '../../../errors/hither-error.ts'
import { armKey, toArmRef } from '../../../routing/arm-ref.ts'
import type { ArmRef } from '../../../routing/router-types.ts'
import { chooseReceiver } from '../../../routing/text/watching/choose-receiver.ts'
import type { WatchAction } from '../../../routing/text/watching/watch-types.ts'
import { p90OfForecast } from '../../../utils/forecast.ts'
import { given } from '../../../utils/given.ts'
import { type AnswerPart, isBegun, noAnswer } from '../answer/answer-state.ts'
import { type LiveRun, openLiveRun } from './live-run.ts'
import type { RunEnd, RunEvents } from './run-types.ts'
import { candidates, endRun, isRunning, type Leaving, liveRuns, type Scene } from './scene.ts'
import { addText, takeOver } from './take-text.ts'

interface NextRun {
  readonly ref: ArmRef
  readonly isRestart?: boolean
  /** It has failed just now, and is asked once more. */
  readonly isAgain?: boolean
}

/** Starts an arm from what is written now. */
export function begin(scene: Scene, { ref, isRestart = false, isAgain = false }: NextRun): void {
  const { options, nowMs, version } = scene
  const { places, state, plan, learner, start } = options
  const place = places.find((each) => armKey(each.ref) === armKey(ref))
  if (place === undefined) return
  const from = isRestart ? { ...noAnswer(), ...given({ promptIds: state.promptIds }) } : { ...state }
  const givenTokens = options.promptTokens + from.tokens
  const run = openLiveRun({
    ...{ ref, plan, learner, isRestart, givenTokens, fromTokens: from.tokens },
    place: place.at,
    forecast: options.forecast(place, givenTokens, isAgain && ref.arm === 'edge'),
    basedOn: version,
    nowMs: nowMs(),
  })
  scene.runs.push(run)
  scene.watched = run
  const reading = ref.arm === 'edge' && !isRestart ? scene.ahead : undefined
  // What this device has begun to read is not read twice.
  const whenRead = reading === undefined || reading.isDone() ? Promise.resolve() : reading.done
  whenRead
    .then(() => start(ref, from, eventsOf(scene, run), { signal: run.controller.signal, isAgain }))
    .then(
      (end) => cameToEnd(scene, run, end),
      (error: unknown) => failed(scene, run, error),
    )
}

/** What a run tells; after its end nobody hears of it. */
function eventsOf(scene: Scene, run: LiveRun): RunEvents {
  const { options, log, nowMs } = scene
  const isCurrent = () => !scene.isOver && run.end === undefined
  const takeText = (part: AnswerPart) => {
    if (run.queue !== undefined) run.queue.push(part)
    else if (run === scene.writer) addText(scene, run, part)
    else takeOver(scene, run, part)
  }
  return {
    ready() {
      run.ready(nowMs())
      log.readyAt ??= nowMs()
    },
    reading(progress) {
      run.reading(progress.read, progress.cached)
      if (!isCurrent() || isBegun(options.state) || scene.writer !== undefined) return
      if (run.ref.arm === 'edge') options.onPart({ type: 'reading', ...progress })
    },
    begun(beginning) {
      if (isCurrent()) run.beginning = beginning
    },
    text(part) {
      if (!isCurrent()) return
      run.inside = undefined
      takeText(part)
    },
    aside(kind, tokens) {
      if (!isCurrent()) return
      run.inside = kind
      // What a model thinks is its first token, too.
      run.arrived(nowMs(), tokens)
      if (scene.writer === undefined && candidates(scene).length > 1) {
        takeOver(scene, run, { text: '', held: options.state.held, tokens: 0 })
      }
      scene.schedule()
    },
  }
}

/** Asks the next arm to take over. @returns false: there is none */
function askNext(scene: Scene, left: Leaving): boolean {
  const next = nextOf(scene, left)
  if (next === undefined) return false
  left.asked.add(armKey(next.ref))
  begin(scene, next)
  return true
}

/** Who could write now: before the first token in the plan's order, then the one whose next token is predicted soonest. */
function nextOf(scene: Scene, left: Leaving): NextRun | undefined {
  const { options, faults, lastWriter } = scene
  const isFree = ({ ref }: NextRun) => faults.of(ref) === 0 && !left.asked.has(armKey(ref)) && !isRunning(scene, ref)
  if (lastWriter !== undefined) return receiverOf(scene, lastWriter, isFree)
  const { second, fallbacks, retries } = options.plan
  const other = [...(second ? [second] : []), ...fallbacks].map((ref) => ({ ref })).find(isFree)
  const again = againOf(scene, faults.last())
  // The others are predicted to take far longer.
  const isFirst = retries && again !== undefined && faults.of(again.ref) === 1
  return isFirst ? again : (other ?? again)
}

/** Who goes on with what is written; who would have to begin anew comes last. */
function receiverOf(scene: Scene, from: ArmRef, isFree: (next: NextRun) => boolean): NextRun | undefined {
  const { options, faults } = scene
  const free = options.receivers(from).filter(isFree)
  const again = againOf(scene, from)
  const place = options.places.find(({ ref }) => armKey(ref) === armKey(from))
  const self =
    again !== undefined && place !== undefined
      ? [
          {
            ...from,
            firstTokenMs: p90OfForecast(
              options.forecast(place, options.promptTokens + options.state.tokens, from.arm === 'edge').firstToken,
            ),
          },
        ]
      : []
  const others = free
    .filter(({ isRestart, isSetAside }) => !isRestart && !isSetAside)
    .map(({ ref, receiver }) => ({ ...ref, ...receiver }))
  const known = [...others, ...self].map((option) => ({ ...option, isAllowed: true }))
  const chosen = chooseReceiver(from, known, faults.inAll(from))
  if (chosen === undefined) return free[0]
  return armKey(chosen) === armKey(from) ? again : { ref: toArmRef(chosen) }
}

/** The same arm once more, where what failed may be whole again: a new worker, a new connection. */
function againOf(scene: Scene, ref: ArmRef | undefined): NextRun | undefined {
  if (ref === undefined || !scene.faults.mayTryAgain(ref)) return undefined
  if (ref.arm === 'cloud' && !scene.options.isOnline()) return undefined
  return isRunning(scene, ref) ? undefined : { ref, isAgain: true }
}

function failed(scene: Scene, run: LiveRun, error: unknown): void {
  if (scene.isOver || run.end !== undefined) return
  const { faults, options } = scene
  const wasWriter = run === scene.writer
  const fault = faults.add(run.ref, error)
  const code = isHitherError(error) ? error.code : undefined
  if (wasWriter) scene.writer = undefined
  endRun(scene, run, fault === 'arm' ? 'failed' : 'abandoned', code)
  if (fault === 'request' && (wasWriter || liveRuns(scene).length === 0)) {
    scene.fail(error)
    return
  }
  const reason = options.isOnline() || run.ref.arm === 'edge' ? 'failed' : 'offline'
  const left = scene.leaving ?? {
    ...{ run, reason, isFailure: true, at: scene.nowMs(), asked: new Set<string>() },
    ...given({ error: code }),
  }
  scene.leaving = left
  scene.watched = candidates(scene).at(-1) ?? scene.writer
  // Somebody may be on the way already.
  const isOnTheWay = scene.writer === undefined && liveRuns(scene).length > 0
  if (isOnTheWay || askNext(scene, left)) scene.schedule()
  else if (scene.writer !== undefined) stay(scene, scene.writer)
  else scene.fail(faults.error(error))
}

/** Nobody can take over from a run that works: it goes on. */
function stay(scene: Scene, run: LiveRun): void {
  const kept = run.queue ?? []
  run.queue = undefined
  scene.watched = run
  if (scene.leaving !== undefined && !scene.leaving.isFailure) {
    scene.mayChoose = false
    scene.leaving = undefined
  }
  for (const part of kept) if (run.end === undefined) addText(scene, run, part)
  scene.schedule()
}

function cameToEnd(scene: Scene, run: LiveRun, end: RunEnd): void {
  if (scene.isOver || run.end !== undefined) return
  const { options, log } = scene
  // It has come to its end before the other one has begun.
  if (run === scene.writer && run.queue !== undefined) stay(scene, run)
  if (run !== scene.writer) takeOver(scene, run, { text: '', held: '', tokens: 0 })
  options.state.held = ''
  run.counted(end.writtenTokens ?? 0)
  options.state.tokens = Math.max(options.state.tokens, run.fromTokens + (end.writtenTokens ?? 0))
  log.cachedTokens = Math.max(log.cachedTokens, end.cachedTokens ?? 0)
  scene.finish(run, end)
}

/** The run that is watched should be left, or is at fault. */
export function leave(
  scene: Scene,
  run: LiveRun,
  { reason, isFailure, mayRecover }: Extract<WatchAction, { do: 'move' }>,
): void {
  if (scene.leaving === undefined) {
    scene.leaving = { run, reason, isFailure, at: scene.nowMs(), asked: new Set() }
    // What it writes from now on is kept until the other one has begun, or can't.
    if (run === scene.writer && !mayRecover) run.queue = []
  }
  const left = scene.leaving
  if (askNext(scene, left)) {
    scene.schedule()
    return
  }
  // Who was to take over does not begin, and nobody else is left: who was left goes on, if it was at no fault.
  if (scene.writer === undefined || left.isFailure) return
  for (const other of candidates(scene)) endRun(scene, other, 'lost')
  stay(scene, scene.writer)
}
