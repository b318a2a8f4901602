import type { Sampling } from '../../generation/sampling/sampling.ts'
import { answerTokensField } from '../../protocol/text-server/answer-tokens-field.ts'
import type { TextServerKind } from '../../protocol/text-server/server-kind.ts'
import { kindFacts } from './kind-facts.ts'
import type { GoOnPlan } from './plan-go-on.ts'
import type { CloudWriteRequest } from './text-server.ts'
import { toWireMessages, toWireTools } from './to-wire-messages.ts'

/** A request of OpenAI's API. */
export interface WireRequest {
  /** Below the API's base address. */
  readonly path: 'chat/completions' | 'completions'
  readonly body: Readonly<Record<string, unknown>>
}

/** Tokens that may be written again at the seam: of the text that was not sent, a letter each at most. */
const againTokens = (plan: GoOnPlan | undefined): number =>
  plan === undefined ? 0 : plan.again + plan.answer.shown.length + plan.answer.held.length - plan.sent.length

function optionsOf(
  { sampling, stops, maxTokens, goOn }: CloudWriteRequest,
  kind: TextServerKind,
  more: { readonly isChat: boolean; readonly again: number; readonly isWhole: boolean },
): Readonly<Record<string, unknown>> {
  const { options, stops: mostStops, usage, givesIds } = kindFacts[kind]
  const known = Object.entries(options).flatMap(([name, wire]) => {
    const value = sampling[name as keyof Sampling]
    return value === undefined ? [] : [[wire, value] as const]
  })
  const limit = kind === 'openai' && more.isChat ? 'max_completion_tokens' : 'max_tokens'
  return {
    ...Object.fromEntries(known),
    [limit]: more.isWhole ? maxTokens : maxTokens - (goOn?.tokens ?? 0) + more.again,
    ...(stops.length === 0 ? {} : { stop: stops.slice(0, mostStops) }),
    stream: true,
    ...(usage === 'unasked'
      ? {}
      : { stream_options: { include_usage: true, ...(usage === 'each' ? { continuous_usage_stats: true } : {}) } }),
    ...(givesIds ? { return_token_ids: true } : {}),
  }
}

/**
 * The request that has a server write an answer, or go on with one.
 *
 * @param plan how it is to go on; undefined for an answer from the beginning
 */
export function toWireRequest(
  request: CloudWriteRequest,
  kind: TextServerKind,
  plan: GoOnPlan | undefined,
): WireRequest {
  const { model, prompt, goOn } = request
  const way = plan?.way
  const again = againTokens(plan)
  const optionsFor = (isChat: boolean, isWhole = false) => optionsOf(request, kind, { isChat, again, isWhole })

  if (way === 'token-ids' && goOn?.ids !== undefined) {
    const { prompt: before, answer, whole } = goOn.ids
    // Our own endpoint computes all of the answer from its ids, half a character included.
    if (kind === 'hither') {
      const body = { model, prompt: [...before, ...answer], [answerTokensField]: answer.length }
      return { path: 'completions', body: { ...body, ...optionsFor(false, true) } }
    }
    return {
      path: 'completions',
      body: { model, prompt: [...before, ...answer.slice(0, whole)], ...optionsFor(false) },
    }
  }
  if (way === 'text' && plan !== undefined) {
    const before = goOn?.promptText ?? ('text' in prompt ? prompt.text : '')
    // The template's text has the marks of a text's beginning already.
    const marks = goOn?.promptText !== undefined && kindFacts[kind].givesIds ? { add_special_tokens: false } : {}
    return { path: 'completions', body: { model, prompt: before + plan.sent, ...optionsFor(false), ...marks } }
  }
  if (!('messages' in prompt)) {
    const given = 'text' in prompt ? prompt.text : prompt.ids
    return { path: 'completions', body: { model, prompt: given, ...optionsFor(false) } }
  }
  const { messages, tools = [] } = prompt
  const last = plan !== undefined && way !== undefined ? [{ role: 'assistant', content: plan.sent }] : []
  const isPrefix = way === 'prefix' ? last.map((message) => ({ ...message, prefix: true })) : last
  return {
    path: 'chat/completions',
    body: {
      model,
      messages: [...toWireMessages(messages), ...isPrefix],
      ...(tools.length === 0 ? {} : { tools: toWireTools(tools) }),
      ...(way === 'continue-final-message' ? { continue_final_message: true, add_generation_prompt: false } : {}),
      ...optionsFor(true),
    },
  }
}
