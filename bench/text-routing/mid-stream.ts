import { chooseReceiver } from '../../src/routing/text/watching/choose-receiver.ts'
import type { WatchAction, WritingWatch } from '../../src/routing/text/watching/watch-types.ts'
import { watchWriting } from '../../src/routing/text/watching/watch-writing.ts'
import { meanOfForecast } from '../../src/utils/forecast.ts'
import { createRun, type Faults, mostRuns, type Run } from './faulty-run.ts'
import { begin } from './first-token.ts'
import { type createHither, placeOf, refOf } from './hither.ts'
import type { ArmName } from './policy.ts'
import { cloudFirstMs, readMs, type TextSession, writeMs } from './world.ts'

type Hither = ReturnType<typeof createHither>

export interface Move {
  /** From noticing to the next token. */
  readonly gapMs: number
  /** What the receiver takes to its first token from nothing. */
  readonly receiverFirstMs: number
  readonly isReadAhead: boolean
  /** From the last token before it to the next one, and what of it somebody notices who reads. */
  readonly silenceMs: number
  readonly noticedMs: number
  /** The arm was silent, and its next token would have come later. */
  readonly wasAlive: boolean
}
export interface AnswerOutcome {
  readonly isWhole: boolean
  readonly moves: readonly Move[]
  readonly faults: number
  readonly wastedTokens: number
  /** Of those: wasted by reading ahead. */
  readonly aheadTokens: number
  readonly tokens: number
}

const never = Number.POSITIVE_INFINITY
const readingMs = 125
/** A new worker or a new connection, where an arm has to go on after itself. */
const againMs: Readonly<Record<ArmName, number>> = { edge: 1_500, cloud: 250 }
const otherOf = (arm: ArmName): ArmName => (arm === 'edge' ? 'cloud' : 'edge')

/** One answer on its way. */
interface Answer {
  readonly session: TextSession
  readonly i: number
  readonly hither: Hither
  readonly faults: Faults
  readonly plan: NonNullable<ReturnType<Hither['plans']['get']>>
  readonly prompt: number
  readonly length: number
  readonly firstAtMs: number
  readonly moves: Move[]
  readonly runsOf: Record<ArmName, number>
  readonly failuresOf: Record<ArmName, number>
  nowMs: number
  shown: number
  lastTokenMs: number
  run: Run
  watch: WritingWatch
  /** Reading ahead: from when on, when it is done, and what it reads. */
  ahead: { readonly fromMs: number; readonly doneMs: number; readonly tokens: number } | undefined
  isPrepared: boolean
  faultCount: number
  wastedTokens: number
  aheadTokens: number
  readAgain: number
}

/** An arm writes from here on: its run, and the watch on it. */
function start(answer: Omit<Answer, 'run' | 'watch'>, arm: ArmName): Pick<Answer, 'run' | 'watch'> {
  const { session, i, hither, faults, prompt, shown, length, plan, nowMs } = answer
  const fault = faults.of(i, arm, answer.runsOf[arm])
  answer.runsOf[arm] += 1
  if (fault !== undefined) answer.faultCount += 1
  const run = createRun({ session, i, arm, firstAtMs: nowMs, context: prompt + shown, left: length - shown, fault })
  const { learner } = hither
  const text = { promptTokens: prompt + shown, answerTokens: length - shown }
  const [own, other] = [learner.forecast(placeOf(arm), text), learner.forecast(placeOf(otherOf(arm)), text)]
  const watch = watchWriting({
    usual: learner.gaps(placeOf(arm)),
    tokenMs: Math.exp(own.token.mu),
    startedAtMs: nowMs - 1,
    firstTokenP90Ms: 2_000,
    answerTokens: plan.answerTokens,
  })
  watch.receiver({
    firstTokenMs: meanOfForecast(other.firstToken),
    tokenMs: Math.exp(other.token.mu),
    canPrepare: arm === 'cloud',
  })
  return { run, watch }
}

function stopAhead(answer: Answer): void {
  const { ahead } = answer
  if (ahead === undefined) return
  const read = ahead.tokens * Math.min(1, (answer.nowMs - ahead.fromMs) / (ahead.doneMs - ahead.fromMs))
  answer.wastedTokens += read
  answer.aheadTokens += read
  answer.ahead = undefined
}

/** The token at `nowMs` is shown. */
function take(answer: Answer): void {
  const { hither, run, watch, nowMs } = answer
  if (answer.shown > 0) {
    const arrival = { ms: nowMs - answer.lastTokenMs, tokens: 1, contextTokens: answer.prompt + answer.shown }
    hither.at(nowMs)
    hither.learner.observeTokens(placeOf(run.arm), arrival)
  }
  watch.tokens(nowMs, 1)
  answer.lastTokenMs = nowMs
  answer.shown += 1
  run.advance()
}

/** Lets time pass until the next thing happens. */
function wait(answer: Answer, action: Exclude<WatchAction, { readonly do: 'move' }>): void {
  const { session, i, run, watch } = answer
  if (action.do === 'prepare') {
    const tokens = answer.prompt + answer.shown
    answer.ahead = { fromMs: answer.nowMs, doneMs: answer.nowMs + readMs(session, i, tokens), tokens }
  }
  const eventMs = Math.min(action.untilMs, run.nextMs, run.diesMs, answer.ahead?.doneMs ?? never)
  answer.nowMs = Math.max(answer.nowMs, eventMs)
  if (answer.nowMs >= run.nextMs) {
    // Whoever was only late goes on, and what reads ahead is stopped.
    stopAhead(answer)
    take(answer)
  } else if (answer.nowMs >= run.diesMs) watch.failed('failed')
  else if (answer.ahead !== undefined && answer.nowMs >= answer.ahead.doneMs) {
    answer.readAgain += answer.ahead.tokens
    answer.ahead = undefined
    answer.isPrepared = true
    watch.prepared()
  }
}

function receiverOf(answer: Answer): ArmName | undefined {
  const { hither, run, prompt, shown } = answer
  const { learner, router } = hither
  const options = (['edge', 'cloud'] as const).map((arm) => {
    const { firstToken } = learner.forecast(placeOf(arm), { promptTokens: prompt + shown })
    const isAhead = arm === 'edge' && answer.isPrepared
    return {
      ...refOf(arm),
      firstTokenMs: isAhead ? 0 : meanOfForecast(firstToken),
      isAllowed: router.allows(refOf(arm)),
    }
  })
  return chooseReceiver(refOf(run.arm), options, answer.failuresOf[run.arm])?.arm
}

/** The answer goes on elsewhere. False: nobody can. */
function move(answer: Answer, action: Extract<WatchAction, { readonly do: 'move' }>): boolean {
  const { session, i, hither, plan, run, nowMs, prompt, shown } = answer
  if (action.isFailure) {
    answer.failuresOf[run.arm] += 1
    hither.router.observe(plan, { ...refOf(run.arm), result: 'failed', tokens: prompt + shown })
  }
  const arm = receiverOf(answer)
  if (arm === undefined) return false
  const tokens = prompt + shown
  const restartMs = arm === run.arm ? againMs[arm] : 0
  const wholeMs = (arm === 'edge' ? readMs(session, i, tokens) : cloudFirstMs(session, i, nowMs, tokens)) + restartMs
  const isReadAhead = arm === 'edge' && answer.isPrepared
  let firstMs = wholeMs
  if (isReadAhead) firstMs = writeMs(session, i, tokens)
  else if (arm === 'edge' && answer.ahead !== undefined) firstMs = Math.max(1, answer.ahead.doneMs - nowMs)
  if (!isReadAhead) answer.readAgain += tokens
  if (arm === 'cloud') stopAhead(answer)
  answer.ahead = undefined
  if (action.mayRecover && run.nextMs < nowMs + firstMs) {
    // It was only slow, and came first after all.
    const readShare = isReadAhead ? 0 : (run.nextMs - nowMs) / firstMs
    answer.wastedTokens += arm === 'edge' ? tokens * readShare : tokens
    answer.nowMs = run.nextMs
    take(answer)
    return true
  }
  const silenceMs = nowMs + firstMs - answer.lastTokenMs
  const aheadOfReaderMs = Math.max(0, shown * readingMs - (answer.lastTokenMs - answer.firstAtMs))
  answer.moves.push({
    gapMs: firstMs,
    receiverFirstMs: wholeMs,
    isReadAhead,
    silenceMs,
    noticedMs: Math.max(0, silenceMs - aheadOfReaderMs),
    wasAlive: run.nextMs < never,
  })
  answer.nowMs = nowMs + firstMs
  answer.lastTokenMs = answer.nowMs
  answer.isPrepared = false
  Object.assign(answer, start(answer, arm))
  return true
}

/** Writes one answer token by token with the shipping router, learner and watch. */
export function writeAnswer(session: TextSession, i: number, hither: Hither, faults: Faults): AnswerOutcome {
  const atMs = session.atMs[i] ?? 0
  const begun = begin(session, i, hither.decide(i, atMs))
  const plan = hither.plans.get(i)
  if (plan === undefined) throw new Error('no plan')
  const firstAtMs = atMs + begun.firstMs
  hither.learnFirst(i, firstAtMs, begun.runs)
  const before = {
    session,
    i,
    hither,
    faults,
    plan,
    prompt: session.promptTokens[i] ?? 0,
    length: session.answerTokens[i] ?? 1,
    firstAtMs,
    moves: [],
    runsOf: { edge: 0, cloud: 0 },
    failuresOf: { edge: 0, cloud: 0 },
    nowMs: firstAtMs,
    shown: 0,
    lastTokenMs: firstAtMs,
    ahead: undefined,
    isPrepared: false,
    faultCount: 0,
    wastedTokens: begun.wastedTokens,
    aheadTokens: 0,
    readAgain: 0,
  }
  const answer: Answer = Object.assign(before, start(before, begun.winner))
  while (answer.shown < answer.length && answer.moves.length < mostRuns) {
    hither.at(answer.nowMs)
    const action = answer.watch.next(answer.nowMs)
    if (action.do !== 'move') wait(answer, action)
    else if (!move(answer, action)) break
  }
  stopAhead(answer)
  const { shown, prompt, length, run, wastedTokens, aheadTokens, moves } = answer
  const isWhole = shown >= length
  hither.learner.observeAnswer('writer', { tokens: shown, isCut: !isWhole })
  hither.router.observe(plan, { ...refOf(run.arm), result: isWhole ? 'answered' : 'failed', tokens: prompt + shown })
  hither.router.settle(plan)
  hither.plans.delete(i)
  const tokens = prompt + length + wastedTokens + answer.readAgain
  return { isWhole, moves, faults: answer.faultCount, wastedTokens, aheadTokens, tokens }
}
