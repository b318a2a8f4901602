import type { ToolCall } from '../../../contracts/chat.ts'
import { createCallText } from '../../../generation/text/call-text.ts'
import type { WriteEnd, WriteEvent, WrittenLogprobs } from '../../../generation/writer/write-request.ts'
import { type AnswerForm, toUsage, toWireCalls } from '../../../protocol/openai/answer-form.ts'
import type { FinishReason, Usage } from '../../../protocol/openai/answers.ts'
import { randomId } from '../../../utils/random-id.ts'
import type { WritingRequest } from './to-task.ts'

/** Tokens of an answer so far. */
export interface AnswerTokens {
  /** Of the prompt, and of what there was of the answer. */
  readonly prompt: number
  /** Of these, those that were known from an earlier request. */
  readonly cached: number
  readonly answer: number
}

/** An answer told in the form of the OpenAI API. */
export interface Telling {
  /** The events that tell what has come. */
  event(event: WriteEvent): readonly object[]
  /** The events that tell the end. */
  end(end: WriteEnd): readonly object[]
  readonly tokens: AnswerTokens
}

const finishOf = ({ reason }: WriteEnd): FinishReason => (reason === 'tool-calls' ? 'tool_calls' : reason)

const callsOf = (request: WritingRequest, { toolCalls = [] }: WriteEnd): readonly ToolCall[] =>
  request.kind === 'chat' && !request.parallelCalls ? toolCalls.slice(0, 1) : toolCalls

/** Ids as OpenAI's begin. */
const callId = () => `call_${randomId().replaceAll('-', '')}`

/** Counts what comes, and keeps back what may be a call. */
function createReceiving(request: WritingRequest) {
  const hasTools = request.kind === 'chat' && request.tools.length > 0
  const callText = hasTools ? createCallText() : undefined
  let tokens: AnswerTokens = { prompt: 0, cached: 0, answer: 0 }
  return {
    /** @returns the text of an event that may be shown */
    take(event: WriteEvent): string {
      if (event.type === 'prompt') tokens = { ...tokens, prompt: event.ids.length + (event.answer?.length ?? 0) }
      else if (event.type === 'read') tokens = { ...tokens, cached: event.cached }
      else {
        tokens = { ...tokens, answer: tokens.answer + event.tokens.length }
        return callText === undefined ? event.text : callText.push(event.text)
      }
      return ''
    },
    rest: (end: WriteEnd) => callText?.end(end.reason === 'tool-calls') ?? '',
    get tokens() {
      return tokens
    },
    get usage(): Usage {
      return toUsage(tokens)
    },
  }
}

/** Tells an answer event by event. */
export function tellEvents(request: WritingRequest, form: AnswerForm): Telling {
  const receiving = createReceiving(request)
  return {
    event(event) {
      const text = receiving.take(event)
      if (event.type === 'prompt') return [form.begin([...event.ids, ...(event.answer ?? [])])]
      if (event.type !== 'text') return []
      const { tokens, logprobs } = event
      const isSeen = text !== '' || logprobs !== undefined || (request.returnTokenIds && tokens.length > 0)
      return isSeen ? [form.piece({ text, tokens, logprobs })] : []
    },
    end(end) {
      const rest = receiving.rest(end)
      const calls = toWireCalls(callsOf(request, end), callId)
      return [
        ...(rest === '' ? [] : [form.piece({ text: rest, tokens: [] })]),
        ...(calls.length === 0 ? [] : [form.calls(calls)]),
        form.finish(finishOf(end)),
        ...(request.includeUsage ? [form.usage(receiving.usage)] : []),
      ]
    },
    get tokens() {
      return receiving.tokens
    },
  }
}

/** Tells an answer once it is whole: the last call's only event is all of it. */
export function tellWhole(request: WritingRequest, form: AnswerForm): Telling {
  const receiving = createReceiving(request)
  let text = ''
  let promptIds: readonly number[] = []
  const tokens: number[] = []
  const logprobs: WrittenLogprobs[] = []
  return {
    event(event) {
      text += receiving.take(event)
      if (event.type === 'prompt') promptIds = [...event.ids, ...(event.answer ?? [])]
      if (event.type === 'text') {
        tokens.push(...event.tokens)
        logprobs.push(...(event.logprobs ?? []))
      }
      return []
    },
    end(end) {
      return [
        form.whole({
          text: text + receiving.rest(end),
          tokens,
          logprobs: request.logprobs === undefined ? undefined : logprobs,
          promptIds,
          calls: toWireCalls(callsOf(request, end), callId),
          finish: finishOf(end),
          usage: receiving.usage,
        }),
      ]
    },
    get tokens() {
      return receiving.tokens
    },
  }
}
