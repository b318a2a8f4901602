import { watchWriting } from '../../src/routing/text/watching/watch-writing.ts'
import type { WritingWatch } from '../../src/routing/text/watching/watch-types.ts'
import { createSeededRandom } from '../../src/utils/seeded-random.ts'
import { begin } from './first-token.ts'
import { type createHither, placeOf, refOf } from './hither.ts'
import type { ArmName } from './policy.ts'
import { arriveMs, chunkBytes, cloudFirstMs, readMs, type TextSession, tripMs, writeMs } from './world.ts'

type Hither = ReturnType<typeof createHither>
interface Fault {
  readonly kind: 'kill' | 'stall'
  /** Behind so many of its tokens, as a share of those that were left to it. */
  readonly at: number
}
export interface Faults {
  /** What happens to the `nth` run of request `i` on an arm; undefined: nothing. */
  of(i: number, arm: ArmName, nth: number): Fault | undefined
}

const mostRuns = 6

export function drawFaults(session: TextSession, share: number): Faults {
  const random = createSeededRandom(session.seed ^ 0x1b56c4e9)
  const drawn = Array.from({ length: session.count * 2 * mostRuns }, (): Fault | undefined => {
    const [hit, kind, at] = [random(), random(), random()]
    return hit < share ? { kind: kind < 0.5 ? 'kill' : 'stall', at } : undefined
  })
  return { of: (i, arm, nth) => drawn[(i * 2 + (arm === 'edge' ? 0 : 1)) * mostRuns + nth] }
}

export interface Move {
  readonly gapMs: number
  readonly receiverFirstMs: number
  readonly isReadAhead: boolean
  readonly silenceMs: number
  readonly noticedMs: number
  readonly wasAlive: boolean
}
export interface AnswerOutcome {
  readonly isWhole: boolean
  readonly moves: readonly Move[]
  readonly faults: number
  readonly wastedTokens: number
  readonly tokens: number
}

const never = Number.POSITIVE_INFINITY
const readingMs = 125
/** A new worker, where this device has to go on after itself. */
const restartMs = 1_500

/** When the tokens of one run arrive, one after the other. */
interface Run {
  readonly arm: ArmName
  /** When the next token is here; infinite: it has fallen silent. */
  nextMs: number
  /** When it is seen to have died. */
  readonly diesMs: number
  readonly isFaulty: boolean
  advance(): void
}

function createRun(options: {
  readonly session: TextSession
  readonly i: number
  readonly arm: ArmName
  readonly firstAtMs: number
  readonly context: number
  readonly left: number
  readonly fault: Fault | undefined
}): Run {
  const { session, i, arm, firstAtMs, context, left, fault } = options
  const random = createSeededRandom(session.seed ^ Math.round(firstAtMs))
  const stopsAfter = fault === undefined ? never : Math.max(1, Math.floor(fault.at * left))
  let came = 0
  let emittedMs = firstAtMs - (arm === 'cloud' ? tripMs(session, i, firstAtMs) / 2 : 0)
  const run = {
    arm,
    nextMs: firstAtMs,
    diesMs: never,
    isFaulty: fault !== undefined,
    advance() {
      came += 1
      const jitter = Math.exp(0.35 * (random() + random() + random() - 1.5))
      emittedMs += (arm === 'edge' ? writeMs(session, i, context + came) : session.endpoint.tokenMs) * jitter
      if (came >= stopsAfter) {
        run.diesMs = fault?.kind === 'kill' ? run.nextMs + 1 : never
        run.nextMs = never
      } else if (arm === 'edge') run.nextMs = emittedMs
      else {
        const half = tripMs(session, i, emittedMs) / 2
        run.nextMs = Math.max(run.nextMs, emittedMs + half + arriveMs(session, emittedMs + half, chunkBytes))
      }
    },
  }
  return run
}

/** Writes one answer token by token with the shipping router, learner and watch. */
export function writeAnswer(session: TextSession, i: number, hither: Hither, faults: Faults): AnswerOutcome {
  const { learner, router } = hither
  const atMs = session.atMs[i] ?? 0
  const begun = begin(session, i, hither.decide(i, atMs))
  const plan = hither.plans.get(i)
  if (plan === undefined) throw new Error('no plan')
  hither.learnFirst(i, atMs + begun.firstMs, begun.runs)
  const prompt = session.promptTokens[i] ?? 0
  const answer = session.answerTokens[i] ?? 1
  const runsOf = { edge: 0, cloud: 0 }
  const moves: Move[] = []
  let { wastedTokens } = begun
  let [shown, faultCount, readAgain] = [0, 0, 0]
  const firstAtMs = atMs + begun.firstMs
  let nowMs = firstAtMs

  const start = (arm: ArmName, at: number) => {
    const fault = faults.of(i, arm, runsOf[arm])
    runsOf[arm] += 1
    if (fault !== undefined) faultCount += 1
    return createRun({ session, i, arm, firstAtMs: at, context: prompt + shown, left: answer - shown, fault })
  }
  const watch = (arm: ArmName, startedAtMs: number): WritingWatch => {
    const forecast = learner.forecast(placeOf(arm), { promptTokens: prompt + shown, answerTokens: answer - shown })
    return watchWriting({
      usual: learner.gaps(placeOf(arm)),
      tokenMs: Math.exp(forecast.token.mu),
      startedAtMs,
      firstTokenP90Ms: 2_000,
      answerTokens: plan.answerTokens,
    })
  }
  const otherOf = (arm: ArmName): ArmName => (arm === 'edge' ? 'cloud' : 'edge')
  const setReceiver = (watching: WritingWatch, arm: ArmName) => {
    const { firstToken, token } = learner.forecast(placeOf(arm), { promptTokens: prompt + shown })
    watching.receiver({
      firstTokenMs: Math.exp(firstToken.mu + firstToken.variance / 2),
      tokenMs: Math.exp(token.mu),
      canPrepare: arm === 'edge',
    })
  }

  let run = start(begun.winner, firstAtMs)
  let watching = watch(run.arm, firstAtMs - 1)
  setReceiver(watching, otherOf(run.arm))
  let lastTokenMs = firstAtMs
  /** Reading ahead: when it is done, from when on, and what it reads. */
  let ahead: { readonly fromMs: number; readonly doneMs: number; readonly tokens: number } | undefined
  let isPrepared = false
  let usedRuns = 1

  const stopAhead = () => {
    if (ahead === undefined) return
    wastedTokens += ahead.tokens * Math.min(1, (nowMs - ahead.fromMs) / (ahead.doneMs - ahead.fromMs))
    ahead = undefined
  }
  const take = () => {
    if (shown > 0) {
      const contextTokens = prompt + shown
      hither.at(nowMs)
      learner.observeTokens(placeOf(run.arm), { ms: nowMs - lastTokenMs, tokens: 1, contextTokens })
    }
    watching.tokens(nowMs, 1)
    lastTokenMs = nowMs
    shown += 1
    run.advance()
  }

  while (shown < answer && usedRuns <= mostRuns) {
    hither.at(nowMs)
    const action = watching.next(nowMs)
    if (action.do === 'prepare') {
      const tokens = prompt + shown
      ahead = { fromMs: nowMs, doneMs: nowMs + readMs(session, i, tokens), tokens }
    }
    if (action.do !== 'move') {
      const eventMs = Math.min(action.untilMs, run.nextMs, run.diesMs, ahead?.doneMs ?? never)
      nowMs = Math.max(nowMs, eventMs)
      if (nowMs >= run.nextMs) {
        // Whoever was only late goes on, and what reads ahead is stopped.
        if (ahead !== undefined) stopAhead()
        take()
      } else if (nowMs >= run.diesMs) watching.failed('failed')
      else if (ahead !== undefined && nowMs >= ahead.doneMs) {
        readAgain += ahead.tokens
        ahead = undefined
        isPrepared = true
        watching.prepared()
      }
      continue
    }
    // The other arm goes on, or this one anew where the other may not.
    if (action.isFailure) router.observe(plan, { ...refOf(run.arm), result: 'failed', tokens: prompt + shown })
    const arm = router.allows(refOf(otherOf(run.arm))) ? otherOf(run.arm) : run.arm
    const tokens = prompt + shown
    const wholeMs = arm === 'edge' ? readMs(session, i, tokens) : cloudFirstMs(session, i, nowMs, tokens)
    let firstMs = wholeMs
    const isReadAhead = arm === 'edge' && isPrepared
    if (isReadAhead) firstMs = writeMs(session, i, tokens)
    else if (arm === 'edge' && ahead !== undefined) firstMs = Math.max(1, ahead.doneMs - nowMs)
    if (arm === 'edge' && run.arm === 'edge') firstMs += restartMs
    if (!isReadAhead) readAgain += tokens
    ahead = undefined
    if (action.mayRecover && run.nextMs < nowMs + firstMs) {
      // It was only slow, and came first after all.
      wastedTokens += arm === 'edge' ? tokens * (isReadAhead ? 0 : (run.nextMs - nowMs) / firstMs) : tokens
      nowMs = run.nextMs
      take()
      continue
    }
    const wasAlive = run.nextMs < never
    const silenceMs = nowMs + firstMs - lastTokenMs
    const buffered = Math.max(0, shown * readingMs - (lastTokenMs - firstAtMs))
    moves.push({
      gapMs: firstMs,
      receiverFirstMs: wholeMs,
      isReadAhead,
      silenceMs,
      noticedMs: Math.max(0, silenceMs - buffered),
      wasAlive,
    })
    nowMs += firstMs
    usedRuns += 1
    run = start(arm, nowMs)
    watching = watch(arm, nowMs - 1)
    setReceiver(watching, otherOf(arm))
    isPrepared = false
    lastTokenMs = nowMs
  }
  if (ahead !== undefined) stopAhead()
  const isWhole = shown >= answer
  learner.observeAnswer('writer', { tokens: shown, isCut: !isWhole })
  router.observe(plan, { ...refOf(run.arm), result: isWhole ? 'answered' : 'failed', tokens: prompt + shown })
  router.settle(plan)
  hither.plans.delete(i)
  return { isWhole, moves, faults: faultCount, wastedTokens, tokens: prompt + answer + wastedTokens + readAgain }
}
