import { planGoOn } from '../../../cloud/text/plan-go-on.ts'
import type { CloudTextPart, CloudWriteRequest, TextServer } from '../../../cloud/text/text-server.ts'
import { CloudError } from '../../../errors/cloud-error.ts'
import { type AnswerState, toGoOn } from '../answer/answer-state.ts'
import type { RunEnd, RunEvents } from './run-types.ts'

/**
 * A server whose connection stands and that says nothing for so long has failed, in milliseconds: long after the other
 * side has taken over, where there is one.
 */
const longestSilenceMs = { first: 180_000, gap: 60_000 }
/** Longest time to wait where an endpoint has said when it may be asked again, in milliseconds. */
const longestWaitMs = 30_000

/**
 * Has an endpoint write an answer, or go on with one in the best way that it knows.
 *
 * @param options.isSameTokenizer are its token ids those of the model on this device? Of the first text that it is asked
 * for, that is known by the time it answers
 * @throws as `TextServer.write` does
 */
export async function runOnCloud(
  options: {
    readonly server: TextServer
    readonly request: Omit<CloudWriteRequest, 'goOn'>
    readonly isSameTokenizer: () => boolean
    /** It was asked before, and may have said when to come again. */
    readonly isAgain: boolean
  },
  from: Readonly<AnswerState>,
  events: RunEvents,
  signal: AbortSignal,
): Promise<RunEnd> {
  const { server, request, isSameTokenizer, isAgain } = options
  const goOn = toGoOn(from, isSameTokenizer())
  const facts = goOn && (await server.describe(request.model, { signal }))
  const way = goOn && facts && planGoOn(goOn, request.prompt, facts)?.way
  // Its ids follow those that it was given, and no text.
  const mayTellIds = goOn === undefined || way === 'token-ids'
  let tellsIds = false
  let hasBegun = false

  const begin = (promptIds?: readonly number[]) => {
    if (hasBegun) return
    hasBegun = true
    tellsIds = mayTellIds && isSameTokenizer()
    events.begun({
      ...(tellsIds && goOn === undefined && promptIds !== undefined ? { promptIds } : {}),
      ids: tellsIds ? from.ids : undefined,
    })
  }
  const take = (part: CloudTextPart) => {
    if (part.type === 'begun') return begin(part.promptIds)
    begin()
    if (part.type === 'text') {
      const { text, held, tokens, ids } = part
      events.text({ text, held, tokens, ...(tellsIds ? { ids } : {}) })
    } else if (part.type === 'reasoning') events.aside('reasoning', part.tokens)
    else events.aside('tool-call', 1)
  }

  events.ready()
  const end = await server.write(goOn === undefined ? request : { ...request, goOn }, {
    signal,
    onPart: take,
    firstSilenceMs: longestSilenceMs.first,
    silenceMs: longestSilenceMs.gap,
    maxWaitMs: isAgain ? longestWaitMs : 0,
  })
  begin()
  const { reason, toolCalls, usage } = end
  if (reason === 'content-filter') {
    throw new CloudError('cloud-refused', 'The endpoint’s own filter ended the answer.', { context: { filter: true } })
  }
  return {
    reason,
    toolCalls,
    ...(usage === undefined ? {} : { promptTokens: usage.promptTokens, cachedTokens: usage.cachedTokens }),
    // Of an answer that goes on, it may count what it was given, or writes some of it again.
    ...(usage === undefined || goOn !== undefined ? {} : { writtenTokens: usage.answerTokens }),
  }
}
