import { ValidationError } from '../../../errors/validation-error.ts'
import { defaultSampling, type Sampling } from '../../../generation/sampling/sampling.ts'
import type { Prompt, WriteRequest } from '../../../generation/writer/write-request.ts'
import type { ChatRequest } from '../../../protocol/openai/chat-request.ts'
import type { CompletionRequest } from '../../../protocol/openai/completion-request.ts'
import { given } from '../../../utils/given.ts'
import type { WritingReadyModel, WritingTask } from '../pool/writing-task.ts'
import { hasTemplate } from './model-entries.ts'

export type WritingRequest = ChatRequest | CompletionRequest

/** Characters of a token, about: what prompts of text are reckoned with before they are split. */
const charactersPerToken = 4

/**
 * What a request asks of a model.
 *
 * @param seed where it names none
 * @throws {ValidationError} `options-invalid`, with `context.param`: ids that the model does not have, or messages of a
 *   model that has no chat template
 */
export function toTask(
  request: WritingRequest,
  model: WritingReadyModel,
  seed: number,
): Omit<WritingTask, 'deadlineAtMs'> {
  const { generation } = model.manifest
  const { contextTokens, vocabulary } = generation
  if (request.kind === 'chat' && !hasTemplate(model)) {
    throw new ValidationError(
      'options-invalid',
      `The model ${model.manifest.name} takes no conversations: it has no chat template. Ask it for completions.`,
      {
        context: { param: 'messages' },
      },
    )
  }
  const { prompt, answer, promptTokens } = readPrompt(request, vocabulary)
  const write: WriteRequest = {
    prompt,
    answer,
    sampling: toSampling(request, generation.sampling, seed),
    stops: request.stops,
    // Until the model ends it, or its context is full.
    maxTokens: request.maxTokens ?? contextTokens,
    whenFull: 'refuse',
    logprobs: request.logprobs,
  }
  return { model, request: write, promptTokens: Math.min(contextTokens, Math.ceil(promptTokens)) }
}

function readPrompt(
  request: WritingRequest,
  vocabulary: number,
): { readonly prompt: Prompt; readonly answer: readonly number[]; readonly promptTokens: number } {
  if (request.kind === 'chat') {
    const { messages, tools, ending, answerTokens } = request
    const characters = messages.reduce((sum, { content }) => sum + content.length, 0)
    const prompt = { messages, ...(tools.length === 0 ? {} : { tools }), ending, answerTokens }
    return { prompt, answer: [], promptTokens: characters / charactersPerToken }
  }
  const { prompt, answerTokens } = request
  if (typeof prompt === 'string') {
    return { prompt: { text: prompt }, answer: [], promptTokens: prompt.length / charactersPerToken }
  }
  const other = prompt.find((id) => id >= vocabulary)
  if (other !== undefined) {
    throw new ValidationError('options-invalid', `The model has no token ${other}: it has ${vocabulary}.`, {
      context: { param: 'prompt' },
    })
  }
  const cut = prompt.length - answerTokens
  return { prompt: { ids: prompt.slice(0, cut) }, answer: prompt.slice(cut), promptTokens: prompt.length }
}

/** What the request leaves out is as the model's maker says, or as it is on devices. */
function toSampling(
  request: WritingRequest,
  maker: WritingReadyModel['manifest']['generation']['sampling'],
  seed: number,
): Sampling {
  const { temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty } = request
  return {
    ...defaultSampling,
    ...given({ ...maker }),
    ...given({ temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty }),
    seed: request.seed ?? seed,
  }
}
