import * as v from 'valibot'
import {
  fields,
  parseFields,
  refuseField,
  requestBounds,
  tokenIdsSchema,
  toWritingOptions,
  type WritingOptions,
  writingEntries,
} from './request-fields.ts'

/** A request of `POST /v1/completions`. */
export interface CompletionRequest extends WritingOptions {
  readonly kind: 'completion'
  /** A text, or token ids. */
  readonly prompt: string | readonly number[]
}

/** As OpenAI has it where a request names no number. */
export const usualCompletionTokens = 16

const schema = v.object({
  ...writingEntries,
  prompt: v.union(
    [
      v.string(),
      tokenIdsSchema,
      v.pipe(
        v.strictTuple([v.string()]),
        v.transform(([prompt]) => prompt),
      ),
      v.pipe(
        v.strictTuple([tokenIdsSchema]),
        v.transform(([prompt]) => prompt),
      ),
    ],
    'must be one text, or the token ids of one',
  ),
  logprobs: fields.whole(0, requestBounds.topLogprobs),
})

/**
 * Reads a request of `POST /v1/completions`.
 *
 * @throws {ValidationError} `options-invalid`, with `context.param`
 */
export function parseCompletionRequest(body: unknown): CompletionRequest {
  const given = parseFields(schema, body)
  const { prompt, logprobs } = given
  const options = toWritingOptions(given)
  const { answerTokens, maxTokens = usualCompletionTokens } = options
  if (answerTokens > 0 && (typeof prompt === 'string' || answerTokens >= prompt.length)) {
    refuseField(
      'hither_answer_tokens',
      '"hither_answer_tokens" counts the last ids of a prompt of ids that has more of them.',
    )
  }
  return { ...options, kind: 'completion', maxTokens, prompt, logprobs }
}
