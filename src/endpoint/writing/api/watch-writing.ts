import type { FastifyRequest } from 'fastify'
import type { WriteEvent } from '../../../generation/writer/write-request.ts'
import type { ServedModel } from '../../engine/infer-engine.ts'
import type { Observe } from '../../observability/observe.ts'
import type { WrittenEnd } from '../thread/writing-thread.ts'
import type { AnswerTokens } from './tell-answer.ts'

/** What became of an answer. */
type Outcome = (WrittenEnd & { readonly queueMs: number }) | 'failed' | 'aborted'

/** Watches one answer for metrics and statistics. */
export interface WritingWatch {
  event(event: WriteEvent): void
  /** To be called before the answer is sent to its end. */
  ended(outcome: Outcome, tokens: AnswerTokens): void
}

export function watchWriting(observe: Observe, request: FastifyRequest, model: ServedModel): WritingWatch {
  const { arrivedAtMs } = observe.of(request)
  const startMs = performance.now()
  let firstAtMs: number | undefined
  let lastAtMs = 0
  return {
    event({ type }) {
      if (type !== 'text') return
      lastAtMs = performance.now()
      firstAtMs ??= lastAtMs
    },
    ended(outcome, tokens) {
      const between = tokens.answer - 1
      observe.wrote({
        model: model.name,
        end: typeof outcome === 'string' ? outcome : outcome.reason,
        tokens,
        firstTokenMs: firstAtMs === undefined ? undefined : firstAtMs - arrivedAtMs,
        tokenMs: firstAtMs === undefined || between < 1 ? undefined : (lastAtMs - firstAtMs) / between,
      })
      if (typeof outcome === 'string') return
      const parts = { queueMs: outcome.queueMs, loadMs: 0, computeMs: outcome.ms, batch: 1, decodeMs: 0, encodeMs: 0 }
      observe.ran(request, { model, times: { ...parts, totalMs: performance.now() - startMs } })
    },
  }
}
