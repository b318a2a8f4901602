import { planGoOn } from '../../../cloud/text/plan-go-on.ts'
import type { Manifest } from '../../../contracts/manifest.ts'
import type { Privacy } from '../../../contracts/route.ts'
import { type HitherError, isHitherError } from '../../../errors/hither-error.ts'
import { NoArmError } from '../../../errors/no-arm-error.ts'
import { ValidationError } from '../../../errors/validation-error.ts'
import type { Prompt, WriteRequest } from '../../../generation/writer/write-request.ts'
import { explainText } from '../../../routing/text/deciding/explain-text.ts'
import type { TextDecision, TextObjective } from '../../../routing/text/text-types.ts'
import { given } from '../../../utils/given.ts'
import type { WritingKnowledge } from '../../request/know-writing.ts'
import { type AnswerState, toGoOn } from '../answer/answer-state.ts'
import { insideOf } from '../answer/inside.ts'
import type { GenerateParts } from '../routing/generate-parts.ts'
import type { TextArmPlace } from '../routing/text-places.ts'
import { leastPromptTokens } from '../routing/text-request.ts'
import type { TextAsk, TextRouting, TextView } from '../routing/text-routing.ts'
import type { Handover } from './receivers.ts'

/** Where a text is to be written, and what that rests on. */
export interface PlannedText {
  readonly decision: TextDecision
  readonly knowledge: WritingKnowledge
  readonly view: TextView
  /** The error of a text that nothing can write. */
  readonly whyNot: () => HitherError
}

const leftSealed =
  'An endpoint to which requests are to be sealed is asked for no texts: streams of text can not be sealed.'

/** What this device lacks for a text of so many tokens: memory for that many, or all that the model needs. */
async function edgeBarrierOf(
  edge: GenerateParts['edge'],
  manifest: Manifest,
  tokens: number,
): Promise<{ readonly barrier: TextAsk['edgeBarrier']; readonly error?: HitherError }> {
  try {
    await edge.check(manifest, tokens)
    return { barrier: 'none' }
  } catch (error) {
    if (!isHitherError(error)) throw error
    const isMemory = await edge.check(manifest, 1).then(
      () => true,
      () => false,
    )
    return { barrier: isMemory ? 'memory' : 'unable', error }
  }
}

/**
 * Decides where a text is begun: what is known is brought up to date, seen as one snapshot, and the router decides by that
 * alone.
 *
 * @param ask.forReal reserves what a race may cost, and asks the endpoints for what is not known freshly
 */
export async function planText(
  { edge, pipeline }: GenerateParts,
  routing: TextRouting,
  manifest: Manifest,
  ask: {
    readonly privacy: Privacy
    readonly deadlineMs: number | undefined
    readonly objective: TextObjective | undefined
    readonly handover: Handover
    readonly restart: boolean
    readonly promptTokens: number
    readonly maxTokens: number
    readonly whenFull: WriteRequest['whenFull']
    readonly prompt: Prompt
    /** What an earlier page has written of it. */
    readonly state: Readonly<AnswerState>
    readonly forReal: boolean
  },
): Promise<PlannedText> {
  const { privacy, prompt, state, forReal, handover, promptTokens, maxTokens, whenFull } = ask
  const edgeCheck =
    privacy === 'cloud-only'
      ? { barrier: 'none' as const }
      : await edgeBarrierOf(edge, manifest, promptTokens + maxTokens)
  const knowledge = await pipeline.writing.know(manifest, privacy, forReal)
  if (forReal) void askServers(edge, routing, manifest, privacy, knowledge)
  // An answer that was begun on an earlier page: whoever can't go on with it can't answer.
  const isInside = insideOf(state, prompt) !== undefined
  const cloudLacks = (place: TextArmPlace) => {
    const goOn = toGoOn(state, place.isSameTokenizer)
    if (goOn === undefined) return false
    if (isInside || handover === 'never' || (place.isOther && handover !== 'any')) return true
    return place.facts === undefined || planGoOn(goOn, prompt, place.facts) === undefined
  }
  const view = routing.view(manifest, knowledge, {
    ...{ privacy, promptTokens: promptTokens + state.tokens, maxTokens: Math.max(1, maxTokens - state.tokens) },
    leastPromptTokens: (state.promptIds?.length ?? leastPromptTokens(prompt, whenFull)) + state.tokens,
    objective: ask.objective,
    deadlineMs: ask.deadlineMs,
    mayMove: handover !== 'never',
    edgeBarrier: edgeCheck.barrier,
    cloudLacks,
  })
  const decision = forReal ? routing.router.decide(view.snapshot) : routing.router.peek(view.snapshot)
  return {
    decision,
    knowledge,
    view,
    whyNot() {
      // What this device lacks, where it is the only one that was to write, is the nearest reason.
      const { error } = edgeCheck as { readonly error?: HitherError }
      if (error !== undefined && view.snapshot.clouds.length === 0) return error
      if (decision.reason === 'text-too-long') {
        const { contextTokens } = view.snapshot.edge
        return new ValidationError('context-full', explainText(decision).why, {
          context: given({ promptTokens: view.snapshot.leastPromptTokens, contextTokens, maxTokens }),
        })
      }
      const sealed = routing.leavesSealed && privacy !== 'edge-only' ? leftSealed : undefined
      const sentence = [explainText(decision).why, knowledge.edge.lacks, sealed].filter(Boolean).join(' ')
      return new NoArmError('no-arm', sentence, error === undefined ? {} : { cause: error, attempts: [error] })
    },
  }
}

/** Asks the text servers that a request may know of for a model. Never rejects. */
async function askServers(
  edge: GenerateParts['edge'],
  routing: TextRouting,
  manifest: Manifest,
  privacy: Privacy,
  { online, edge: { status } }: WritingKnowledge,
  options: { readonly anew?: boolean } = {},
): Promise<void> {
  if (!online) return
  const encode = async (text: string) => (status === 'ready' ? encodeOnEdge(edge, manifest, text) : undefined)
  await Promise.all(routing.allowed(privacy).map((cloud) => cloud.refresh(manifest, encode, options)))
}

/** Asks the text servers anew whether they are there and have the model, without a request. Never rejects. */
export async function refreshText(
  { edge, pipeline }: GenerateParts,
  routing: TextRouting,
  manifest: Manifest,
  privacy: Privacy,
): Promise<void> {
  const knowledge = await pipeline.writing.know(manifest, privacy, false)
  await askServers(edge, routing, manifest, privacy, knowledge, { anew: true })
}

/** A text as the model's tokens, by the tokenizer in its worker. Nothing is run: no token is asked for. */
async function encodeOnEdge(
  edge: GenerateParts['edge'],
  manifest: Manifest,
  text: string,
): Promise<readonly number[] | undefined> {
  let ids: readonly number[] | undefined
  const sampling = {
    ...{ temperature: 0, topK: 0, topP: 1, minP: 0, seed: 0 },
    ...{ repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 },
  }
  const request = { prompt: { text }, answer: [], sampling, stops: [], maxTokens: 0, whenFull: 'refuse' } as const
  await edge
    .write(manifest, request, {
      onEvents(events) {
        for (const event of events) if (event.type === 'prompt') ({ ids } = event)
      },
    })
    .catch(() => {})
  return ids
}
