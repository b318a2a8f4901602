import type { Manifest } from '../../contracts/manifest.ts'
import type { FinishReason, Privacy, RouteRecord } from '../../contracts/route.ts'
import { routeReasons } from '../../contracts/route-reasons.ts'
import { type HitherError, isHitherError } from '../../errors/hither-error.ts'
import { NoArmError } from '../../errors/no-arm-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { Sampling } from '../../generation/sampling/sampling.ts'
import type { Prompt } from '../../generation/writer/write-request.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import { explainText } from '../../routing/text/deciding/explain-text.ts'
import type { TextPlan } from '../../routing/text/text-types.ts'
import { anySignal } from '../../utils/any-signal.ts'
import { given } from '../../utils/given.ts'
import { lazy } from '../../utils/lazy.ts'
import { withDeadline } from '../../utils/with-deadline.ts'
import { toRequestPolicy } from '../options/client-settings.ts'
import type { WritingKnowledge } from '../request/know-writing.ts'
import type { Policy } from '../types/client-options.ts'
import type { RouteExplanation } from '../types/client-types.ts'
import type { GenerateInput, GenerateOptions, Writing, WritingResult } from '../types/generate-types.ts'
import { type AnswerState, isBegun, noAnswer } from './answer/answer-state.ts'
import { type Journal, openJournal } from './answer/journal.ts'
import { openWriting, type WritingSink } from './open-writing.ts'
import { parseGenerateInput, parseGenerateOptions, samplingOf } from './parse-generate.ts'
import { firstTokensOf, speedsOf, toTextRoute } from './record/to-text-route.ts'
import type { GenerateParts } from './routing/generate-parts.ts'
import { estimatePromptTokens } from './routing/text-request.ts'
import { openTextRouting, type TextRouting } from './routing/text-routing.ts'
import type { WritingLog } from './running/conduct-types.ts'
import { type PlannedText, planText, refreshText } from './running/plan-text.ts'
import type { RunEnd } from './running/run-types.ts'
import { writePlanned } from './running/write-planned.ts'

const usualMaxTokens = 512
/** A prompt of usual length, where none is given: of `explain`. */
const usualPromptTokens = 100

/** One request for text, on its way. */
interface Request {
  readonly model: string
  readonly prompt: Prompt
  readonly options: GenerateOptions
  readonly limits: ReturnType<typeof toRequestPolicy>
  readonly startedAt: number
  readonly startedAtMs: number
}

/** Writes texts for one client. */
export interface TextWriter {
  /**
   * Begins an answer in text.
   *
   * @throws {ValidationError} `options-invalid`
   */
  generate(model: string, input: GenerateInput, given: GenerateOptions): Writing
  /** @see Client.explain @throws {NoArmError} `no-arm` */
  explain(
    manifest: Manifest,
    policy: Pick<ReturnType<typeof toRequestPolicy>, 'privacy' | 'deadlineMs'>,
  ): Promise<RouteExplanation>
  /** @see refreshText */
  refresh(manifest: Manifest, privacy: Privacy): Promise<void>
}

export function openTextWriter(parts: GenerateParts): TextWriter {
  const { pipeline, background, closing } = parts
  const { keepsMeasurements: keeps, ...writing } = pipeline.writing
  const routing = lazy(() => openTextRouting({ ...writing, background, keeps, closing }))
  return {
    generate(model, input, given) {
      const options = parseGenerateOptions(given)
      const prompt = parseGenerateInput(input)
      const { privacy, deadlineMs, timeoutMs } = options
      const request = {
        model,
        prompt,
        options,
        limits: toRequestPolicy(parts.policy, { privacy, deadlineMs, timeoutMs } as Policy),
        startedAt: performance.now(),
        startedAtMs: Date.now(),
      }
      return openWriting(async (sink) => writeAnswer(parts, await routing.get(), request, sink))
    },
    async explain(manifest, { privacy, deadlineMs }) {
      const known = await routing.get()
      const { decision, knowledge } = await planText(parts, known, manifest, {
        ...{ privacy, deadlineMs, objective: undefined, handover: 'same-model', restart: false },
        promptTokens: Math.min(usualPromptTokens, Math.floor((manifest.generation?.contextTokens ?? 0) / 4)),
        maxTokens: usualMaxTokens,
        whenFull: 'refuse',
        state: noAnswer(),
        prompt: { text: '' },
        forReal: false,
      })
      const { why, arms } = explainText(decision)
      if (decision.arm === undefined) throw new NoArmError('no-arm', why)
      return {
        arm: decision.arm,
        ...given({ endpoint: decision.endpoint }),
        reason: decision.reason,
        why: routeReasons[decision.reason],
        ...firstTokensOf(arms),
        writing: { answerTokens: decision.answerTokens, arms: speedsOf(arms) },
        known: knowledge.known,
      }
    },
    refresh: async (manifest, privacy) => refreshText(parts, await routing.get(), manifest, privacy),
  }
}

/** What an answer has come to, when it ends in whatever way. */
interface Progress {
  readonly state: AnswerState
  model?: { readonly manifest: Manifest; readonly plan: TextPlan; readonly knowledge: WritingKnowledge }
  log?: WritingLog
  journal?: Journal
  end?: RunEnd
}

async function writeAnswer(
  parts: GenerateParts,
  routing: TextRouting,
  request: Request,
  sink: WritingSink,
): Promise<WritingResult> {
  const { options, limits, startedAt, startedAtMs } = request
  const { timeoutMs, privacy } = limits
  const progress: Progress = { state: noAnswer() }
  let [reason, error]: [FinishReason, HitherError | undefined] = ['stop', undefined]
  const stopped = anySignal(options.signal, anySignal(sink.left, parts.closing))
  const outOfTime = () =>
    new NoArmError('deadline-exceeded', `The answer was not written within ${timeoutMs} ms. Allow more time.`)
  try {
    await withDeadline(
      async (signal) => {
        signal.throwIfAborted()
        progress.end = await writeWith(parts, routing, request, progress, sink, signal)
      },
      { ms: timeoutMs, signal: stopped, onDeadline: outOfTime },
    )
    reason = progress.end?.reason ?? 'stop'
  } catch (thrown) {
    const isAborted = options.signal?.aborted === true || sink.left.aborted
    if (!isAborted && (!isHitherError(thrown) || !isBegun(progress.state))) {
      parts.onFailed(thrown, { model: request.model, privacy, startedAtMs, actualMs: performance.now() - startedAt })
      throw thrown
    }
    reason = isAborted ? 'aborted' : 'cut-off'
    if (!isAborted && isHitherError(thrown)) error = thrown
  }
  // What was cut off can be gone on with.
  if (reason !== 'cut-off') await progress.journal?.end()
  return toResult(parts, routing, request, progress, { reason, error })
}

/** The answer, its record, and what is learned of it. */
function toResult(
  parts: GenerateParts,
  routing: TextRouting,
  request: Request,
  { state, model, log, end }: Progress,
  { reason, error }: { readonly reason: FinishReason; readonly error: HitherError | undefined },
): WritingResult {
  const { options, limits, startedAt, startedAtMs, prompt } = request
  const promptTokens =
    state.promptIds?.length ?? end?.promptTokens ?? (isBegun(state) ? estimatePromptTokens(prompt) : 0)
  let route: RouteRecord | undefined
  if (model !== undefined && log !== undefined) {
    const { manifest, plan, knowledge } = model
    const backend = parts.edge.loaded(manifest)?.backend
    route = toTextRoute({
      ...{ manifest, plan, state, log, backend, promptTokens, startedAt, startedAtMs },
      known: knowledge.known,
      finishReason: reason,
      endedAt: performance.now(),
      firstTokenMs: options.firstTokenMs,
      deadlineMs: limits.deadlineMs,
    })
    if (state.tokens > 0) {
      routing.learner.observeAnswer(modelKey(manifest), { tokens: state.tokens, isCut: reason !== 'stop' })
    }
    const { writing } = route
    if (route.ran === 'edge' && backend !== undefined && (writing?.tokenMs ?? 0) > 0) {
      parts.pipeline.learner.observeEdge(modelKey(manifest), backend, writing?.tokenMs ?? 0)
    }
    routing.save()
    parts.onAnswered(route, limits.privacy)
  }
  return {
    text: state.text,
    finishReason: reason,
    ...given({ toolCalls: end?.toolCalls, error, route }),
    usage: {
      promptTokens,
      cachedTokens: log?.cachedTokens ?? 0,
      answerTokens: state.tokens,
      droppedMessages: state.droppedMessages,
    },
  }
}

/** The cloud bridges the download: later texts are written here, where that is faster. */
function mayComeHere(
  { pipeline }: GenerateParts,
  { defaultArm }: Manifest,
  { view, knowledge }: PlannedText,
  privacy: Privacy,
): boolean {
  const { status } = knowledge.edge
  const isEdge = view.places.some(({ ref, mayWrite }) => ref.arm === 'edge' && mayWrite)
  const mayFetch = !knowledge.saveData || pipeline.writing.downloadOnMetered
  const isLeftToCloud = defaultArm === 'cloud' && privacy !== 'prefer-edge'
  return isEdge && status !== 'ready' && mayFetch && !isLeftToCloud
}

async function writeWith(
  parts: GenerateParts,
  routing: TextRouting,
  request: Request,
  progress: Progress,
  sink: WritingSink,
  signal: AbortSignal,
): Promise<RunEnd> {
  const { model, prompt, options, limits } = request
  const { state } = progress
  await parts.open()
  const manifest = await parts.background.manifest(model)
  const { generation } = manifest
  if (generation === undefined) {
    throw new ValidationError('input-unexpected', `The model “${manifest.name}” does not write text.`)
  }
  const { signal: _, ...asked } = options
  const journal = options.journal && openJournal(parts.background, options.journal, [modelKey(manifest), prompt, asked])
  const kept = journal ? await journal.restore() : undefined
  if (journal) progress.journal = journal
  const { maxTokens = usualMaxTokens, handover = 'same-model', restart = false, objective } = options
  const { stop = [], whenFull = 'refuse' } = options
  const plan = (from: Readonly<AnswerState>): Promise<PlannedText> =>
    planText(parts, routing, manifest, {
      ...{ objective, handover, restart, maxTokens, whenFull, prompt, state: from, forReal: true },
      privacy: limits.privacy,
      deadlineMs: options.firstTokenMs ?? limits.deadlineMs,
      promptTokens: from.promptIds?.length ?? estimatePromptTokens(prompt),
    })
  let planned = await plan(kept?.state ?? state)
  let sampling: Sampling | undefined
  if (kept !== undefined && planned.decision.arm !== undefined) {
    ;({ sampling } = kept)
    Object.assign(state, kept.state)
    if (state.text !== '') sink.add({ type: 'text', text: state.text, tokens: state.tokens })
  } else if (kept !== undefined) planned = await plan(state)
  signal.throwIfAborted()
  const { decision } = planned
  if (decision.arm === undefined) throw planned.whyNot()
  progress.model = { manifest, plan: decision, knowledge: planned.knowledge }
  if (decision.arm === 'cloud' && mayComeHere(parts, manifest, planned, limits.privacy)) {
    // Its failure is the model's state.
    parts.edgeModels.prepare(manifest, { priority: 'background' }).catch(() => {})
  }
  const drawn = sampling ?? samplingOf(options, generation, Math.floor(Math.random() * 2 ** 32))
  const conducted = writePlanned(parts, routing, manifest, {
    ...planned,
    decision,
    ...{ state, handover, restart, signal },
    request: { prompt, sampling: drawn, stops: [stop].flat(), maxTokens, whenFull },
    promptTokens: state.promptIds?.length ?? estimatePromptTokens(prompt),
    onPart(part) {
      sink.add(part)
      if (journal && part.type === 'text') journal.note(state, drawn)
    },
  })
  progress.log = conducted.log
  return conducted.end
}
