import type { Manifest } from '../../../contracts/manifest.ts'
import type { Backend } from '../../../contracts/model-state.ts'
import type {
  FinishReason,
  Prediction,
  RouteArmPrediction,
  RouteKnowledge,
  RouteRecord,
  RouteWritingArm,
} from '../../../contracts/route.ts'
import { routeReasons } from '../../../contracts/route-reasons.ts'
import { armKey, toArmRef } from '../../../routing/arm-ref.ts'
import type { TextArmPrediction, TextPlan } from '../../../routing/text/text-types.ts'
import { given } from '../../../utils/given.ts'
import { randomId } from '../../../utils/random-id.ts'
import type { AnswerState } from '../answer/answer-state.ts'
import type { WritingLog } from '../running/conduct-types.ts'

/** What is shown of the arms' first tokens: one for the edge, one for the best endpoint, and all of them. */
export function firstTokensOf(arms: readonly TextArmPrediction[]): {
  readonly predicted: RouteRecord['predicted']
  readonly arms: readonly RouteArmPrediction[]
} {
  const all = arms.map(({ firstToken, ...ref }) => ({ ...toArmRef(ref), ...firstToken }))
  const edge = all.find(({ arm }) => arm === 'edge')
  const [cloud] = all.filter(({ arm }) => arm === 'cloud').sort((a, b) => a.meanMs - b.meanMs)
  const timeOf = ({ meanMs, p90Ms }: Prediction) => ({ meanMs, p90Ms })
  return { predicted: { ...(edge && { edge: timeOf(edge) }), ...(cloud && { cloud: timeOf(cloud) }) }, arms: all }
}

/** What is shown of the arms' speeds and ends. */
export const speedsOf = (arms: readonly TextArmPrediction[]): readonly RouteWritingArm[] =>
  arms.map(({ tokensPerSecond, end, isMeasured, price, ...ref }) => ({
    ...toArmRef(ref),
    ...{ tokensPerSecond, end, isMeasured },
    ...given({ money: price.money, energyJ: price.energyJ }),
  }))

/** Puts the record of a text together: what was known, predicted, planned and done, and nothing of the content. */
export function toTextRoute(about: {
  readonly manifest: Pick<Manifest, 'name' | 'revision'>
  readonly plan: TextPlan
  readonly known: RouteKnowledge
  readonly state: Readonly<AnswerState>
  readonly log: WritingLog
  readonly backend: Backend | undefined
  readonly promptTokens: number
  readonly finishReason: FinishReason
  readonly startedAtMs: number
  /** By `performance.now()`: the request's start, and now. */
  readonly startedAt: number
  readonly endedAt: number
  /** When the first token, or the whole answer, was wanted. */
  readonly firstTokenMs: number | undefined
  readonly deadlineMs: number | undefined
}): RouteRecord {
  const { manifest, plan, state, log, backend, startedAt, endedAt, finishReason } = about
  const { readyAt, firstTokenAt, lastTokenAt, moves } = log
  const ran = log.first ?? toArmRef(plan)
  const reason = log.reason ?? plan.reason
  const totalMs = endedAt - startedAt
  const actualMs = firstTokenAt === undefined ? totalMs : firstTokenAt - startedAt
  const prepareMs = readyAt === undefined ? undefined : Math.min(actualMs, readyAt - startedAt)
  const isSteady = firstTokenAt !== undefined && lastTokenAt !== undefined && state.tokens > 1 && moves.length === 0
  const attempts = log.attempts()
  const { second } = plan
  const isStarted = second !== undefined && attempts.slice(1).some((each) => armKey(each) === armKey(second))
  const wantedMs = about.firstTokenMs ?? about.deadlineMs
  const isMet = wantedMs !== undefined && (about.firstTokenMs === undefined ? totalMs : actualMs) <= wantedMs
  return {
    id: randomId(),
    model: manifest.name,
    revision: manifest.revision,
    startedAtMs: about.startedAtMs,
    ran: ran.arm,
    ...given({ endpoint: ran.endpoint, backend: ran.arm === 'edge' ? backend : undefined }),
    reason,
    why: routeReasons[reason],
    ...firstTokensOf(plan.arms),
    actualMs,
    parts: prepareMs === undefined ? {} : { prepareMs, computeMs: actualMs - prepareMs },
    attempts,
    known: about.known,
    plan: {
      ...toArmRef(plan),
      ...(second === undefined
        ? {}
        : { second: { ...toArmRef(second), afterMs: second.afterMs, purpose: 'hedge', started: isStarted } }),
    },
    writing: {
      finishReason,
      promptTokens: about.promptTokens,
      cachedTokens: log.cachedTokens,
      tokens: state.tokens,
      totalMs,
      ...(firstTokenAt === undefined ? {} : { firstTokenMs: actualMs }),
      ...(isSteady ? { tokenMs: (lastTokenAt - firstTokenAt) / (state.tokens - 1) } : {}),
      wastedTokens: log.wastedTokens,
      moves,
      arms: speedsOf(plan.arms),
    },
    ...(wantedMs === undefined ? {} : { deadline: { ms: wantedMs, met: isMet } }),
  }
}
