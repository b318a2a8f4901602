import { createGapHistory } from '../learning/gap-history.ts'
import type { MoveReason, Receiver, VoluntaryReason, WatchAction, WatchOptions, WritingWatch } from './watch-types.ts'

/** Somebody reads eight tokens a second. */
const readingMs = 125
/** No token within four times the usual gap (its 97th percentile), and at least two seconds, is a stall. */
const stallFactor = 4
const leastStallMs = 2_000
const mostStallMs = 30_000
/** Before the first token: four times its predicted 90th percentile, within these bounds. */
const leastFirstMs = 5_000
const mostFirstMs = 120_000
/** What reading ahead is expected to take is doubled, as it begins beside other work. */
const prepareMargin = 2
/** Reading ahead never waits for longer than this share of a stall's time. */
const latestPrepare = 0.5
/** Each time that it was in vain, the next one waits twice as long. */
const backOff = 2
/** What was read ahead is as good as new for this many tokens more, and costs a share of a token for each of them. */
const tokensToReadAgain = 32
const readingShare = 1 / 8
/** This answer's own gaps count from here on, beside the arm's history. */
const ownGaps = 12
/** Leave an arm only where the rest comes this many times sooner, the move included. */
const muchFaster = 1.5
/** Weight of an arrival in the tokens' own rate. */
const rateGain = 0.08
/** A single pause counts for no more than this many tokens' time in it. */
const mostPause = 4

const bounded = (value: number, least: number, most: number) => (value > least ? Math.min(value, most) : least)

/**
 * Watches an answer that is being written, and says when the other arm should read ahead and when it should go on.
 *
 * - A stall is a failure: no token within max(4 · p97 of the usual gaps, 2 s).
 * - Reading ahead begins when a stall is likely: one p97 and one p90 gap late at the least, and no sooner than reading takes
 *   before the stall's time. So a move from a stall costs about one token of the receiver, and few silences are taken for one.
 * - A voluntary move waits until the text that is ahead of a reader (8 tokens a second) covers the receiver's next token.
 */
export function watchWriting(options: WatchOptions): WritingWatch {
  const { usual, startedAtMs, firstTokenP90Ms, answerTokens, objective = 'first-token' } = options
  const own = createGapHistory()
  let tokenMs = options.tokenMs
  let firstAtMs: number | undefined
  let lastAtMs = startedAtMs
  let written = 0
  let arrivals = 0
  let receiver: Receiver | undefined
  let preparingFor: MoveReason | undefined
  /** Tokens that were written when the receiver had read them all. */
  let preparedAt: number | undefined
  let inVain = 0
  let failure: Extract<MoveReason, 'failed' | 'offline'> | undefined
  let preferred: VoluntaryReason | undefined

  /** The arm's history, unless this very answer comes more slowly. */
  const gapOf = (known: number, q: number) => (arrivals < ownGaps ? known : Math.max(known, own.quantile(q)))
  const stallMs = () => {
    if (firstAtMs === undefined) return bounded(4 * firstTokenP90Ms, leastFirstMs, mostFirstMs)
    return bounded(stallFactor * gapOf(usual.p97Ms, 0.97), leastStallMs, mostStallMs)
  }
  /** The silence after which the receiver should read ahead. */
  const prepareMs = ({ firstTokenMs }: Receiver) => {
    const stall = stallMs()
    const late = gapOf(usual.p97Ms, 0.97) + gapOf(usual.p90Ms, 0.9)
    const lead = Math.min(latestPrepare * stall, stall - prepareMargin * firstTokenMs)
    return Math.min(stall, Math.max(late, lead) * backOff ** inVain)
  }
  const aheadOfReader = (nowMs: number) => {
    if (firstAtMs === undefined) return 0
    return Math.max(0, written - (nowMs - firstAtMs) / readingMs)
  }
  const isPrepared = () => preparedAt !== undefined && written - preparedAt <= tokensToReadAgain
  const gapTo = ({ firstTokenMs, tokenMs: each }: Receiver) =>
    preparedAt !== undefined && isPrepared() ? each * (1 + (written - preparedAt) * readingShare) : firstTokenMs

  /** The rest would come much sooner from the receiver, and the reader would notice. */
  const isMuchFaster = (to: Receiver) => {
    const left = Math.max(0, answerTokens - written)
    const isNoticed = objective === 'whole' || tokenMs > readingMs
    const movedMs = muchFaster * (gapTo(to) + left * to.tokenMs) + (to.extraMs ?? 0)
    return arrivals >= ownGaps && isNoticed && left * tokenMs > movedMs
  }
  /** While a budget is nearly spent, what a move costs is not worth more than all that is left to be written here. */
  const isAffordable = ({ extraMs = 0 }: Receiver) => extraMs <= Math.max(0, answerTokens - written) * tokenMs
  const prepare = (reason: MoveReason, untilMs: number): WatchAction => {
    preparingFor = reason
    return { do: 'prepare', reason, untilMs }
  }

  const nextVoluntary = (nowMs: number, to: Receiver, stallsAtMs: number): WatchAction | undefined => {
    const reason = preferred ?? (isMuchFaster(to) ? 'faster' : undefined)
    if (reason === undefined || !isAffordable(to)) return undefined
    const isReading = to.canPrepare && !isPrepared()
    if (isReading && preparingFor === undefined) return prepare(reason, stallsAtMs)
    const gapMs = gapTo(to)
    // One that is slower than the reader never gets ahead: waiting would only cost more.
    const isCovered = aheadOfReader(nowMs) * readingMs >= gapMs || (tokenMs >= readingMs && !isReading)
    return isCovered && !isReading ? { do: 'move', reason, isFailure: false, mayRecover: false } : undefined
  }

  return {
    tokens(nowMs, count) {
      if (!(count >= 1)) return
      if (firstAtMs === undefined) firstAtMs = nowMs
      else {
        const gapMs = Math.max(0, nowMs - lastAtMs)
        own.observe(gapMs)
        arrivals += 1
        tokenMs += Math.min(1, rateGain * count) * (Math.min(gapMs / count, mostPause * tokenMs) - tokenMs)
        // It was silent, and no more.
        if (preparingFor === 'stalled') {
          preparingFor = undefined
          inVain += 1
        }
      }
      lastAtMs = nowMs
      written += count
    },
    receiver(next) {
      receiver = next
    },
    prepared() {
      preparedAt = written
      preparingFor = undefined
    },
    failed(reason) {
      failure = reason
    },
    prefer(reason) {
      preferred = reason
    },
    next(nowMs) {
      const stallsAtMs = lastAtMs + stallMs()
      const reason = failure ?? (nowMs >= stallsAtMs ? 'stalled' : undefined)
      if (reason !== undefined) {
        // Who lost the connection is not at fault, nor is the arm.
        return { do: 'move', reason, isFailure: reason !== 'offline', mayRecover: reason === 'stalled' }
      }
      if (receiver === undefined || firstAtMs === undefined) return { do: 'wait', untilMs: stallsAtMs }
      const voluntary = nextVoluntary(nowMs, receiver, stallsAtMs)
      if (voluntary !== undefined) return voluntary
      if (!receiver.canPrepare || preparingFor !== undefined || isPrepared()) return { do: 'wait', untilMs: stallsAtMs }
      const preparesAtMs = lastAtMs + prepareMs(receiver)
      if (nowMs >= preparesAtMs && preparesAtMs < stallsAtMs) return prepare('stalled', stallsAtMs)
      return { do: 'wait', untilMs: Math.min(preparesAtMs, stallsAtMs) }
    },
    aheadOfReader,
  }
}
