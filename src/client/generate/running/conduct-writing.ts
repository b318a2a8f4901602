import type { RouteAttempt } from '../../../contracts/route.ts'
import { type MoveReason, moveReasons } from '../../../contracts/route-reasons.ts'
import { isHitherError } from '../../../errors/hither-error.ts'
import { armKey, toArmRef } from '../../../routing/arm-ref.ts'
import type { ArmRef } from '../../../routing/router-types.ts'
import { reasonOfFirstToken } from '../../../routing/text/deciding/explain-text.ts'
import type { WatchAction } from '../../../routing/text/watching/watch-types.ts'
import { given } from '../../../utils/given.ts'
import { systemTimers } from '../../../utils/with-deadline.ts'
import { type AnswerPart, addPart, isBegun, noAnswer } from '../answer/answer-state.ts'
import type { ConductedWriting, ConductOptions, WritingLog } from './conduct-types.ts'
import { type FaultBook, openFaultBook } from './fault-book.ts'
import { type LiveRun, openLiveRun } from './live-run.ts'
import { type ReadingAhead, startReadingAhead } from './read-ahead.ts'
import type { RunEnd } from './run-types.ts'

/** An arm is to be left: since when and why, and who was asked to take over. */
interface Leaving {
  readonly run: LiveRun
  readonly reason: MoveReason
  readonly isFailure: boolean
  readonly at: number
  readonly error?: string
  readonly asked: Set<string>
}

interface NextRun {
  readonly ref: ArmRef
  readonly isRestart: boolean
  readonly isAgain?: boolean
}

/** Tokens after which the receivers are looked for anew: what they would have to read has grown. */
const lookAgainTokens = 16

/**
 * Has an answer written by the arms of a plan, as one text.
 *
 * The first token is raced: the plan's second run starts when it is due, and whoever gives a token first goes on; the
 * others are aborted. From then on the arm that writes is watched. When it fails, stalls or should be left, another one is
 * given what was written and goes on from the very place; the text is only ever added to. A receiver counts once its first
 * token is there: a writer that was only silent and speaks before it goes on itself.
 */
export function conductWriting(options: ConductOptions): ConductedWriting {
  const { plan, places, state, start, router, learner, onPart, signal } = options
  const { nowMs = () => performance.now(), timers = systemTimers } = options
  const { promise: end, resolve, reject } = Promise.withResolvers<RunEnd>()
  const runs: LiveRun[] = []
  /** Those that the answer has text of. */
  const wrote = new Set<LiveRun>()
  const faults: FaultBook = openFaultBook()
  let writer: LiveRun | undefined
  /** Who wrote last; who is watched: the writer, or who is to be the next one. */
  let lastWriter: ArmRef | undefined
  let watched: LiveRun | undefined
  let leaving: Leaving | undefined
  let ahead: ReadingAhead | undefined
  /** Counts what was added to the answer. */
  let version = 0
  let lookedAt = Number.NEGATIVE_INFINITY
  let isOver = false
  let mayChoose = true
  let timer: unknown
  let secondTimer: unknown
  const startedAt = nowMs()

  const log: WritingLog = {
    moves: [],
    wastedTokens: 0,
    readyAt: undefined,
    firstTokenAt: undefined,
    lastTokenAt: undefined,
    first: undefined,
    reason: undefined,
    cachedTokens: 0,
    attempts: () => runs.map(toAttempt),
  }
  const toAttempt = ({ ref, startedAt: at, end: ended }: LiveRun): RouteAttempt => ({
    ...toArmRef(ref),
    startedMs: at - startedAt,
    ms: (ended?.at ?? nowMs()) - at,
    ...given({ result: ended?.result, error: ended?.error }),
  })
  const live = () => runs.filter((run) => run.end === undefined)
  const candidates = () => live().filter((run) => run !== writer)

  const endRun = (run: LiveRun, result: NonNullable<RouteAttempt['result']>, error?: string) => {
    if (run.end !== undefined) return
    run.end = { result, at: nowMs(), ...given({ error }) }
    if (result === 'lost') run.endedEarly(nowMs())
    const unused = (run.queue ?? []).reduce((sum, { tokens }) => sum + tokens, 0)
    log.wastedTokens += wrote.has(run) ? unused : run.read() + run.written()
    router.observe(plan, { ...toArmRef(run.ref), result, tokens: run.read() + run.written() })
    run.controller.abort(new DOMException('Another arm writes the answer.', 'AbortError'))
  }
  const stopAhead = () => {
    if (ahead === undefined) return
    ahead.stop()
    log.wastedTokens += ahead.tokens()
    ahead = undefined
  }

  const over = (result: 'lost' | 'abandoned') => {
    isOver = true
    timers.clearTimeout(timer)
    timers.clearTimeout(secondTimer)
    signal.removeEventListener('abort', onAbort)
    stopChanges()
    for (const run of live()) endRun(run, result)
    stopAhead()
    router.settle(plan)
  }
  const finish = (run: LiveRun, ended: RunEnd) => {
    endRun(run, 'answered')
    over('lost')
    resolve(ended)
  }
  const fail = (error: unknown) => {
    over('abandoned')
    reject(error)
  }
  function onAbort() {
    if (isOver) return
    over('abandoned')
    reject(signal.reason)
  }

  /** Starts an arm from what is written now. */
  const begin = (ref: ArmRef, { isRestart = false, isAgain = false } = {}) => {
    const place = places.find((each) => armKey(each.ref) === armKey(ref))
    if (place === undefined) return
    const from = isRestart ? { ...noAnswer(), ...given({ promptIds: state.promptIds }) } : { ...state }
    const givenTokens = options.promptTokens + from.tokens
    const run = openLiveRun({
      ...{ ref, plan, learner, isRestart, givenTokens },
      place: place.at,
      forecast: options.forecast(place, givenTokens),
      basedOn: version,
      nowMs: nowMs(),
    })
    runs.push(run)
    watched = run
    const reading = ref.arm === 'edge' && !isRestart ? ahead : undefined
    const isCurrent = () => !isOver && run.end === undefined
    const events = {
      ready() {
        run.ready(nowMs())
        log.readyAt ??= nowMs()
      },
      reading(progress: { readonly read: number; readonly of: number; readonly cached: number }) {
        run.reading(progress.read, progress.cached)
        if (!isCurrent() || isBegun(state)) return
        if (writer === undefined && ref.arm === 'edge') onPart({ type: 'reading', ...progress })
      },
      begun(beginning: NonNullable<LiveRun['beginning']>) {
        if (isCurrent()) run.beginning = beginning
      },
      text(part: AnswerPart) {
        if (!isCurrent()) return
        run.inside = undefined
        if (run.queue !== undefined) run.queue.push(part)
        else if (run === writer) add(run, part)
        else takeOver(run, part)
      },
      aside(kind: NonNullable<LiveRun['inside']>, tokens: number) {
        if (!isCurrent()) return
        run.inside = kind
        if (run !== writer && writer === undefined && candidates().length > 1) takeOver(run, { text: '', held: state.held, tokens: 0 })
        run.watch.tokens(nowMs(), Math.max(1, tokens))
        schedule()
      },
    }
    // What it has begun to read is not read twice.
    const whenRead = reading === undefined || reading.isDone() ? Promise.resolve() : reading.done
    whenRead
      .then(() => start(ref, from, events, { signal: run.controller.signal, isAgain }))
      .then(
        (ended) => cameToEnd(run, ended),
        (error: unknown) => failed(run, error),
      )
  }

  const add = (run: LiveRun, part: AnswerPart) => {
    version += 1
    const now = nowMs()
    addPart(state, part)
    run.arrived(now, part.tokens)
    if (part.tokens > 0 || part.text !== '') {
      log.firstTokenAt ??= now
      log.lastTokenAt = now
    }
    faults.progress()
    // It was only silent: it goes on itself.
    for (const other of candidates()) if (other.basedOn < version && run === writer) endRun(other, 'lost')
    leaving = undefined
    watched = run
    if (ahead?.reason === 'stalled' && !ahead.isDone()) stopAhead()
    if (part.text !== '') onPart({ type: 'text', text: part.text, tokens: part.tokens })
    schedule()
  }

  /** A run's first token has come: from now on it writes. */
  const takeOver = (run: LiveRun, part: AnswerPart) => {
    const now = nowMs()
    const left = leaving
    leaving = undefined
    for (const other of live()) {
      if (other === run) continue
      if (other !== left?.run) endRun(other, 'lost')
      else if (left.isFailure) endRun(other, 'failed', left.reason)
      else endRun(other, 'answered')
    }
    const from = lastWriter
    const hadBegun = isBegun(state)
    if (run.isRestart) {
      log.wastedTokens += state.tokens
      Object.assign(state, noAnswer())
    }
    const { promptIds, promptText, droppedMessages, ids } = run.beginning ?? { ids: undefined }
    state.promptIds ??= promptIds
    state.promptText ??= promptText
    state.droppedMessages = droppedMessages ?? state.droppedMessages
    state.ids = ids
    writer = run
    wrote.add(run)
    lastWriter = run.ref
    lookedAt = Number.NEGATIVE_INFINITY
    if (log.first === undefined) {
      log.first = run.ref
      log.cachedTokens = run.cached()
      log.reason = reasonOfFirstToken(plan, run.ref, log.attempts().flatMap(({ result, ...ref }) => (result ? [{ ...ref, result }] : [])))
    }
    if (run.ref.arm === 'edge') ahead = undefined
    else stopAhead()
    if (from !== undefined && hadBegun) tellMove(from, run, left ?? { reason: 'failed', at: now }, now)
    add(run, part)
  }
  const tellMove = (from: ArmRef, run: LiveRun, left: Pick<Leaving, 'reason' | 'at' | 'error'>, now: number) => {
    const move = {
      from: from.arm,
      to: run.ref.arm,
      reason: left.reason,
      ...given({ error: left.error, endpoint: run.ref.endpoint }),
      atToken: state.tokens,
      gapMs: now - left.at,
      ...(run.isRestart ? { restarted: true } : {}),
    }
    log.moves.push(move)
    onPart({ type: 'moved', ...move, why: moveReasons[left.reason] })
  }

  /** Asks the next arm to take over. @returns false: there is none */
  const askNext = (left: Leaving): boolean => {
    const next = nextOf(left)
    if (next === undefined) return false
    left.asked.add(armKey(next.ref))
    begin(next.ref, next)
    return true
  }
  const nextOf = (left: Leaving): NextRun | undefined => {
    const isFree = (ref: ArmRef) => !left.asked.has(armKey(ref)) && !live().some((run) => armKey(run.ref) === armKey(ref))
    const writtenBy = lastWriter
    const others =
      writtenBy === undefined
        ? [...(plan.second ? [plan.second] : []), ...plan.fallbacks]
            .filter((ref) => faults.of(ref) === 0)
            .map((ref) => ({ ref, isRestart: false }))
        : options.receivers(writtenBy).filter(({ ref }) => faults.of(ref) === 0)
    const other = others.find(({ ref }) => isFree(ref))
    const again = againOf(writtenBy ?? faults.last())
    // The others are predicted to take far longer.
    const isFirst = writtenBy === undefined && plan.retries && again !== undefined && faults.of(again.ref) === 1
    return isFirst ? again : (other ?? again)
  }
  /** The same arm once more, where what failed may be whole again: a new worker, a new connection. */
  const againOf = (ref: ArmRef | undefined): NextRun | undefined => {
    if (ref === undefined || !faults.mayTryAgain(ref)) return undefined
    if (ref.arm === 'cloud' && !options.isOnline()) return undefined
    return live().some((run) => armKey(run.ref) === armKey(ref)) ? undefined : { ref, isRestart: false, isAgain: true }
  }

  const failed = (run: LiveRun, error: unknown) => {
    if (isOver || run.end !== undefined) return
    const wasWriter = run === writer
    const fault = faults.add(run.ref, error)
    if (wasWriter) writer = undefined
    endRun(run, fault === 'arm' ? 'failed' : 'abandoned', isHitherError(error) ? error.code : undefined)
    if (fault === 'request' && (wasWriter || live().length === 0)) return fail(error)
    if (wasWriter || leaving === undefined) {
      const reason = options.isOnline() || run.ref.arm === 'edge' ? 'failed' : 'offline'
      leaving = leaving ?? {
        run,
        reason,
        isFailure: true,
        at: nowMs(),
        asked: new Set(),
        ...given({ error: isHitherError(error) ? error.code : undefined }),
      }
    }
    watched = candidates().at(-1) ?? writer
    // Somebody is on the way already.
    if (writer === undefined && live().length > 0) return schedule()
    if (writer !== undefined && leaving === undefined) return schedule()
    if (askNext(leaving)) return schedule()
    if (writer !== undefined) return stay(writer)
    fail(faults.error(error))
  }
  /** Nobody can take over from an arm that works: it goes on. */
  const stay = (run: LiveRun) => {
    const kept = run.queue
    run.queue = undefined
    watched = run
    if (leaving !== undefined && !leaving.isFailure) {
      mayChoose = false
      leaving = undefined
    }
    for (const part of kept ?? []) if (run.end === undefined) add(run, part)
    schedule()
  }
  const cameToEnd = (run: LiveRun, ended: RunEnd) => {
    if (isOver || run.end !== undefined) return
    // It has come to its end before the other one has begun.
    if (run === writer && run.queue !== undefined) stay(run)
    if (run !== writer) takeOver(run, { text: '', held: '', tokens: 0 })
    state.held = ''
    log.cachedTokens = Math.max(log.cachedTokens, ended.cachedTokens ?? 0)
    finish(run, ended)
  }

  const move = ({ reason, isFailure, mayRecover }: Extract<WatchAction, { do: 'move' }>, run: LiveRun) => {
    if (leaving === undefined) {
      leaving = { run, reason, isFailure, at: nowMs(), asked: new Set() }
      if (run === writer && !mayRecover) run.queue = []
    }
    if (askNext(leaving)) return schedule()
    // Who was to take over does not begin, and nobody else is left: who was left goes on, if it was at no fault.
    if (writer === undefined || leaving.isFailure) return
    for (const other of candidates()) endRun(other, 'lost')
    stay(writer)
  }
  const look = (run: LiveRun) => {
    const place = places.find(({ ref }) => armKey(ref) === armKey(run.ref))
    if (run !== writer || place === undefined) return
    const isHot = run.ref.arm === 'edge' && run.isHot()
    const wish = run.ref.arm !== 'edge' ? undefined : options.savesPower() ? 'battery' : isHot ? 'heat' : undefined
    run.watch.prefer(mayChoose && leaving === undefined ? wish : undefined)
    if (state.tokens - lookedAt < lookAgainTokens && run.inside === undefined) return
    lookedAt = state.tokens
    const [best] = run.inside === undefined && mayChoose ? options.receivers(run.ref) : []
    // Nobody begins anew because it might be faster.
    run.watch.receiver(best?.isRestart === false ? best.receiver : undefined)
  }
  /** Does what is due now, and comes again when something else is. */
  function schedule() {
    timers.clearTimeout(timer)
    if (isOver || watched === undefined || watched.end !== undefined) return
    const run = watched
    if (run.queue !== undefined) return
    look(run)
    let action = run.watch.next(nowMs())
    if (action.do === 'prepare') {
      const { reason } = action
      stopAhead()
      ahead = startReadingAhead(options.readAhead, { ...state }, reason, () => {
        if (isOver || run.end !== undefined) return
        run.watch.prepared()
        schedule()
      })
      action = run.watch.next(nowMs())
    }
    if (action.do === 'move') return move(action, run)
    const untilMs = action.do === 'wait' ? action.untilMs : nowMs()
    if (untilMs < Number.POSITIVE_INFINITY) {
      timer = timers.setTimeout(schedule, Math.max(1, untilMs - nowMs()))
    }
  }
  const stopChanges = options.onChange(() => {
    if (isOver) return
    const run = writer ?? watched
    if (!options.isOnline() && run?.ref.arm === 'cloud' && run.end === undefined) run.watch.failed('offline')
    schedule()
  })

  if (signal.aborted) {
    onAbort()
    return { log, end }
  }
  signal.addEventListener('abort', onAbort)
  begin(toArmRef(plan))
  const { second } = plan
  if (second !== undefined) {
    const startSecond = () => {
      const isStarted = runs.some(({ ref }) => armKey(ref) === armKey(second))
      if (!isOver && writer === undefined && !isStarted) begin(toArmRef(second))
      schedule()
    }
    if (second.afterMs > 0) secondTimer = timers.setTimeout(startSecond, second.afterMs)
    else startSecond()
  }
  schedule()
  return { log, end }
}
