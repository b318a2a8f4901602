import type { Manifest } from '../../contracts/manifest.ts'
import type { FinishReason, Privacy, RouteRecord } from '../../contracts/route.ts'
import { routeReasons } from '../../contracts/route-reasons.ts'
import { type HitherError, isHitherError } from '../../errors/hither-error.ts'
import { NoArmError } from '../../errors/no-arm-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { Prompt, WriteEnd } from '../../generation/writer/write-request.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import { anySignal } from '../../utils/any-signal.ts'
import { given } from '../../utils/given.ts'
import { randomId } from '../../utils/random-id.ts'
import { withDeadline } from '../../utils/with-deadline.ts'
import type { Background } from '../background/create-background.ts'
import type { EdgeModels } from '../edge/edge-models.ts'
import { toRequestPolicy } from '../options/client-settings.ts'
import type { Pipeline } from '../request/pipeline.ts'
import type { WritingPlan } from '../request/plan-writing.ts'
import type { Policy } from '../types/client-options.ts'
import type { GenerateInput, GenerateOptions, Writing, WritingResult } from '../types/generate-types.ts'
import { type Journal, type JournalEntry, openJournal } from './journal.ts'
import { openWriting, type WritingSink } from './open-writing.ts'
import { parseGenerateInput, parseGenerateOptions, samplingOf } from './parse-generate.ts'
import { type AnswerState, noAnswer, writeOnEdge } from './write-on-edge.ts'

export interface GenerateParts {
  readonly edge: Parameters<typeof writeOnEdge>[0]['edge'] & {
    check(manifest: Manifest, wantedTokens?: number): Promise<void>
    loaded(manifest: Manifest): { readonly backend: NonNullable<RouteRecord['backend']> } | undefined
  }
  readonly edgeModels: Pick<EdgeModels, 'prepare'>
  readonly background: Pick<Background, 'manifest' | 'readRecord' | 'writeRecord'>
  readonly pipeline: Pick<Pipeline, 'learner' | 'planWriting'>
  /** The client's defaults for every request. */
  readonly policy: Policy
  /** The device is ready to be asked. Rejects once the client is closed. */
  readonly open: () => Promise<void>
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal
  readonly onAnswered: (route: RouteRecord, privacy: Privacy) => void
  readonly onFailed: (
    error: unknown,
    about: { readonly privacy: Privacy; readonly startedAtMs: number; readonly actualMs: number },
  ) => void
}

const usualMaxTokens = 512
/** Letters that a token stands for at least, on average over a text: to tell before a byte is fetched what is wanted. */
const lettersPerToken = 3

const lettersOf = (prompt: Prompt): number => {
  if ('text' in prompt) return prompt.text.length
  if ('ids' in prompt) return prompt.ids.length * lettersPerToken
  return prompt.messages.reduce((sum, { content }) => sum + content.length, 0)
}

/** Content that must stay here does so by itself; one that must leave finds nobody who writes it. */
function checkPrivacy(privacy: Privacy): void {
  if (privacy !== 'cloud-only') return
  throw new NoArmError('no-arm', 'Text is written on this device only, and this request must run in the cloud.')
}

/** One request for text, on its way. */
interface Request {
  readonly model: string
  readonly prompt: Prompt
  readonly options: GenerateOptions
  readonly limits: ReturnType<typeof toRequestPolicy>
  readonly startedAt: number
  readonly startedAtMs: number
}

/**
 * Begins an answer in text.
 *
 * @throws {ValidationError} `options-invalid`
 */
export function generate(parts: GenerateParts, model: string, input: GenerateInput, given: GenerateOptions): Writing {
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
  return openWriting((sink) => writeAnswer(parts, request, sink))
}

async function writeAnswer(parts: GenerateParts, request: Request, sink: WritingSink): Promise<WritingResult> {
  const { options, limits, startedAt, startedAtMs } = request
  const { timeoutMs, privacy } = limits
  const state = noAnswer()
  const ended: { model?: EndedModel; journal?: Journal; end?: WriteEnd; reason?: FinishReason; error?: HitherError } =
    {}
  const stopped = anySignal(options.signal, anySignal(sink.left, parts.closing))
  const outOfTime = () =>
    new NoArmError('deadline-exceeded', `The answer was not written within ${timeoutMs} ms. Allow more time.`)
  try {
    await withDeadline(
      async (signal) => {
        signal.throwIfAborted()
        ended.end = await writeWith(parts, request, state, sink, signal, {
          onModel: (model) => {
            ended.model = model
          },
          onJournal: (journal) => {
            ended.journal = journal
          },
        })
      },
      { ms: timeoutMs, signal: stopped, onDeadline: outOfTime },
    )
    ended.reason = ended.end?.reason ?? 'stop'
  } catch (error) {
    const isAborted = options.signal?.aborted === true || sink.left.aborted
    if (!isAborted && (!isHitherError(error) || state.answer.length === 0)) {
      parts.onFailed(error, { privacy, startedAtMs, actualMs: performance.now() - startedAt })
      throw error
    }
    ended.reason = isAborted ? 'aborted' : 'cut-off'
    if (!isAborted && isHitherError(error)) ended.error = error
  }
  const { reason = 'stop', model, journal, end, error } = ended
  // What was cut off can be gone on with.
  if (reason !== 'cut-off') await journal?.end()
  const route = model && toRoute(parts, request, model, state, reason)
  if (route !== undefined) parts.onAnswered(route, privacy)
  return {
    text: state.text,
    finishReason: reason,
    ...given({ toolCalls: end?.toolCalls, error, route }),
    usage: {
      promptTokens: state.prompt?.length ?? 0,
      cachedTokens: state.cachedTokens,
      answerTokens: state.answer.length,
      droppedMessages: state.droppedMessages,
    },
  }
}

interface EndedModel {
  readonly manifest: Manifest
  readonly plan: WritingPlan
}

async function writeWith(
  parts: GenerateParts,
  { model, prompt, options, limits }: Request,
  state: AnswerState,
  sink: WritingSink,
  signal: AbortSignal,
  { onModel, onJournal }: { onModel(model: EndedModel): void; onJournal(journal: Journal): void },
): Promise<WriteEnd> {
  const { edge, edgeModels, background, pipeline } = parts
  checkPrivacy(limits.privacy)
  await parts.open()
  const manifest = await background.manifest(model)
  const { generation } = manifest
  if (generation === undefined) {
    throw new ValidationError('input-unexpected', `The model “${manifest.name}” does not write text.`)
  }
  const { maxTokens = usualMaxTokens, stop = [], whenFull = 'refuse' } = options
  await edge.check(manifest, Math.ceil(lettersOf(prompt) / lettersPerToken) + maxTokens)
  const plan = await pipeline.planWriting(manifest, limits)
  signal.throwIfAborted()
  onModel({ manifest, plan })
  const { signal: _, ...asked } = options
  const journal = options.journal && openJournal(background, options.journal, [modelKey(manifest), prompt, asked])
  const begun = journal ? await journal.restore() : undefined
  if (journal) onJournal(journal)
  if (begun !== undefined) goOnWith(begun, state, sink)
  const sampling = begun?.sampling ?? samplingOf(options, generation, Math.floor(Math.random() * 2 ** 32))
  return writeOnEdge({
    edge,
    manifest,
    request: { prompt, sampling, stops: [stop].flat(), maxTokens, whenFull },
    state,
    prepare: () => edgeModels.prepare(manifest, { signal }),
    onPart(part) {
      sink.add(part)
      if (journal && part.type === 'text') journal.note(state, sampling)
    },
    signal,
  })
}

/** What an earlier page has written of the same request. */
function goOnWith(
  { prompt, answer, text, droppedMessages }: JournalEntry,
  state: AnswerState,
  sink: WritingSink,
): void {
  Object.assign(state, { prompt, text, droppedMessages })
  state.answer.push(...answer)
  if (text !== '') sink.add({ type: 'text', text, tokens: answer.length })
}

/** The record of an answer; its tokens' times teach what a run of the model takes here. */
function toRoute(
  { edge, pipeline }: GenerateParts,
  { limits, options, startedAt, startedAtMs }: Request,
  { manifest, plan }: EndedModel,
  state: AnswerState,
  finishReason: FinishReason,
): RouteRecord {
  const { readyAt, firstTokenAt, lastTokenAt, answer, prompt = [], cachedTokens, moves } = state
  const totalMs = performance.now() - startedAt
  const backend = edge.loaded(manifest)?.backend
  const actualMs = firstTokenAt === undefined ? totalMs : firstTokenAt - startedAt
  const prepareMs = readyAt && Math.min(actualMs, readyAt - startedAt)
  const tokenMs =
    firstTokenAt !== undefined && lastTokenAt !== undefined && answer.length > 1 && moves.length === 0
      ? (lastTokenAt - firstTokenAt) / (answer.length - 1)
      : undefined
  if (tokenMs !== undefined && tokenMs > 0 && backend !== undefined) {
    pipeline.learner.observeEdge(modelKey(manifest), backend, tokenMs)
  }
  const deadlineMs = options.firstTokenMs ?? limits.deadlineMs
  const isMet = deadlineMs !== undefined && (options.firstTokenMs === undefined ? totalMs : actualMs) <= deadlineMs
  return {
    id: randomId(),
    model: manifest.name,
    revision: manifest.revision,
    startedAtMs,
    ran: 'edge',
    ...given({ backend }),
    reason: plan.reason,
    why: routeReasons[plan.reason],
    predicted: plan.predicted,
    actualMs,
    parts: prepareMs === undefined ? {} : { prepareMs, computeMs: actualMs - prepareMs },
    attempts: [{ arm: 'edge', startedMs: 0, ms: totalMs, result: finishReason === 'cut-off' ? 'failed' : 'answered' }],
    known: plan.known,
    writing: {
      finishReason,
      promptTokens: prompt.length,
      cachedTokens,
      tokens: answer.length,
      totalMs,
      ...given({ tokenMs }),
      moves,
    },
    ...(deadlineMs === undefined ? {} : { deadline: { ms: deadlineMs, met: isMet } }),
  }
}
