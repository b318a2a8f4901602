import type { Privacy } from '../contracts/route.ts'
import type { Lazy } from '../utils/lazy.ts'
import type { ClientOutbox } from './client-outbox.ts'
import { toRequestPolicy } from './options/client-settings.ts'
import { parseRunOptions } from './options/parse-run-options.ts'
import type { ClientRequest } from './request/answer.ts'
import { inTime } from './request/in-time.ts'
import type { ModelRun, RunModel } from './request/model-run.ts'
import type { Pipeline } from './request/pipeline.ts'
import type { Policy } from './types/client-options.ts'

/**
 * The way of every request of the client, whatever its task: its options are checked, the pipeline answers it, and the
 * outcome is reported.
 */
export function createRunModel(parts: {
  readonly pipeline: Lazy<Pipeline>
  /** The client's defaults for every request. */
  readonly policy: Policy
  /** A signal that also aborts when the client is closed. */
  readonly bounded: (signal: AbortSignal | undefined) => AbortSignal
  /** Starts what the client's first request will need, beside fetching the pipeline. */
  readonly anticipate: (model: string, privacy: Privacy) => void
  readonly outbox: ClientOutbox
  readonly onAnswered: (model: string, run: ModelRun) => void
}): RunModel {
  const { pipeline, policy, bounded, anticipate, outbox, onAnswered } = parts

  const answer = async (request: ClientRequest): Promise<ModelRun> => {
    const opened = pipeline.peek() ?? (await inTime(request, () => pipeline.get()))
    return opened.answer(request)
  }

  return async (model, runOptions = {}, prepare) => {
    const [startedAt, startedAtMs] = [performance.now(), Date.now()]
    const { signal: given, transfer, cascade = true, ...own } = parseRunOptions(runOptions)
    const { privacy, ...limits } = toRequestPolicy(policy, own)
    const signal = bounded(given)
    signal.throwIfAborted()
    anticipate(model, privacy)
    const request = { model, prepare, privacy, ...limits, signal, transfer, cascade, startedAt, startedAtMs }
    const run = await answer(request).catch((error: unknown) => {
      outbox.failed(error, { model, privacy, startedAtMs, actualMs: performance.now() - startedAt })
      throw error
    })
    outbox.answered(run.route, run.answer, privacy)
    onAnswered(model, run)
    return run
  }
}
