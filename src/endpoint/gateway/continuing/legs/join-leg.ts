import { createAnswerIntake } from '../../../../cloud/text/answer-intake.ts'
import type { CloudTextPart } from '../../../../cloud/text/text-server.ts'
import { CloudError } from '../../../../errors/cloud-error.ts'
import { cutOff, type TextChunk, type TextUsage } from '../../../../protocol/text-server/text-chunk.ts'
import type { ShownPiece } from '../answer/answer-record.ts'
import { doneEvent } from '../answer/chunk-form.ts'
import { countedUsage, rewriteUsage, wholeUsage } from '../answer/rewrite-usage.ts'
import { type Failure, toFailure } from '../failing/failure.ts'
import { nextEvents, openEventSource } from '../reading/event-source.ts'
import { type ReadEvent, readEvent, type WireChoice } from '../reading/read-event.ts'
import { maxWholeBytes } from '../reading/stream-form.ts'
import type { Leg, LegContext, LegEnd } from './leg.ts'
import type { LegPlan } from './plan-leg.ts'

/** Events behind the answer's end among which its usage is looked for. */
const mostAfterEnd = 256

/**
 * Gives on what an upstream writes that goes on with an answer: in the form that the client's stream has had so far, with
 * what it repeats left out.
 */
export async function* joinLeg(leg: Leg, plan: LegPlan, context: LegContext): AsyncGenerator<string, LegEnd> {
  const { record, form, pace, timers, now, request, hasOther } = context
  const source = openEventSource(leg.response.body, { maxBytes: maxWholeBytes, timers })
  const joining = createJoining(plan, context)
  let failure: Failure | undefined
  let isDone = false
  let afterEnd = 0
  try {
    while (!isDone && failure === undefined) {
      // What follows the end is nothing but the usage, and that it is over.
      if (joining.hasEnded && (joining.isUsageTold || afterEnd > mostAfterEnd)) break
      const fromMs = now()
      const out: string[] = []
      let texts = 0
      let last: Uint8Array | undefined
      try {
        const events = await nextEvents(source, pace.limitMs, hasOther)
        if (events === undefined) failure = toFailure(cutOff())
        for (const { event, bytes } of events ?? []) {
          last = bytes
          const read = event && readEvent(event)
          if (joining.hasEnded) afterEnd += 1
          if (read === 'done') isDone = true
          else if (read !== undefined) {
            if (read.chunk.text !== '') texts += 1
            out.push(...joining.take(read))
          }
        }
        if (isDone) out.push(...joining.end())
      } catch (cause) {
        failure = toFailure(cause, last)
      }
      pace.came(texts, now() - fromMs)
      if (out.length > 0) yield out.join('')
    }
    if (!joining.hasEnded && !isDone) return { isWhole: false, failure }
    const usage = request.wantsUsage && !joining.isUsageTold ? countedUsage(record) : undefined
    yield (usage === undefined ? '' : form.writeUsage(usage)) + doneEvent
    return { isWhole: true, failure: isDone ? undefined : failure }
  } finally {
    await source.close()
  }
}

const wrongThoughts = () =>
  new CloudError('cloud-bad-response', 'The upstream thinks anew instead of going on.', { context: { goOn: true } })

/** Fields of a delta that are given on as they are. */
const hasMore = (choice: WireChoice | undefined): boolean => {
  const delta = choice?.delta
  if (typeof delta !== 'object' || delta === null) return false
  return Object.entries(delta).some(([name, value]) => name !== 'role' && name !== 'content' && value !== null)
}

/** Turns what an upstream writes into events of the client's stream. */
function createJoining(plan: LegPlan, { request, record, form }: LegContext) {
  const { shown, held, tokens, promptTokens } = record
  const before = { sentTokens: plan.sentTokens, promptTokens: plan.way === undefined ? undefined : promptTokens }
  let came: ShownPiece[] = []
  const onPart = (part: CloudTextPart) => {
    if (part.type === 'text') came.push({ text: part.text, held: part.held, tokens: part.tokens, ids: part.ids })
  }
  const goOn = { shown, held, tokens }
  const intake = createAnswerIntake(
    { stops: request.stops, maxTokens: plan.limit ?? Number.POSITIVE_INFINITY, goOn },
    plan,
    onPart,
  )
  let hasEnded = false
  let isUsageTold = !request.wantsUsage

  /** What has come since, noted. */
  const collect = () => {
    const pieces = came
    came = []
    for (const piece of pieces) record.shows(piece)
    const ids = pieces.flatMap((piece) => piece.ids ?? [])
    return { text: pieces.map(({ text }) => text).join(''), ids: ids.length === 0 ? undefined : ids }
  }
  const usageOf = ({ json }: ReadEvent, usage: TextUsage) => {
    const { prompt, answer } = wholeUsage(usage, before)
    const most = plan.limit === undefined ? Number.POSITIVE_INFINITY : plan.limit
    return rewriteUsage(json.usage, { prompt, answer: Math.min(answer, most) })
  }

  const finish = (read: ReadEvent | undefined, chunk: TextChunk | undefined): readonly string[] => {
    const end = intake.end()
    const { text, ids } = collect()
    hasEnded = true
    const [choice] = read?.json.choices ?? []
    const reason = chunk?.finish === undefined ? end.reason : choice?.finish_reason
    const rest = text === '' && ids === undefined ? [] : [form.write({ text, ids })]
    if (read === undefined) return rest
    if (chunk !== undefined) record.passed({ ...chunk, finish: chunk.finish ?? 'stop' })
    const used = read.chunk.usage
    if (used !== undefined) isUsageTold = true
    const usage = used === undefined ? {} : { usage: usageOf(read, used) }
    return [...rest, form.write({ finish: reason, from: choice, ...usage })]
  }

  return {
    get hasEnded() {
      return hasEnded
    },
    get isUsageTold() {
      return isUsageTold
    },
    /** @throws {CloudError} `cloud-bad-response`: it does not go on where the answer was */
    take(read: ReadEvent): readonly string[] {
      const { json, chunk } = read
      const used = chunk.usage
      if (json.choices.length === 0 || hasEnded) {
        if (used === undefined || (!hasEnded && json.choices.length > 0)) return []
        if (!request.wantsUsage || isUsageTold) return []
        isUsageTold = hasEnded
        return [form.writeUsage(usageOf(read, used))]
      }
      if (chunk.reasoning !== '' && plan.way !== undefined) throw wrongThoughts()
      form.learn(json)
      if (plan.way === undefined) record.hasPrompt({ ids: chunk.promptIds })
      const isOver = intake.take({ ...chunk, toolCalls: [] })
      const { text, ids } = collect()
      const [choice] = json.choices
      const isMore = hasMore(choice)
      const isFinish = isOver || chunk.finish !== undefined
      const out: string[] = []
      if (text !== '' || ids !== undefined || (isMore && !isFinish)) {
        const usage = used === undefined || isFinish ? {} : { usage: usageOf(read, used) }
        out.push(form.write({ text, ids, ...(isMore && !isFinish ? { from: choice } : {}), ...usage }))
      }
      if (!isFinish) record.passed(chunk)
      return isFinish ? [...out, ...finish(read, chunk)] : out
    },
    /** It says that it is over. */
    end: (): readonly string[] => (hasEnded ? [] : finish(undefined, undefined)),
  }
}
