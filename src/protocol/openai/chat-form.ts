import { type AnswerFacts, type AnswerForm, ids } from './answer-form.ts'
import type { ChatAnswer, ChatChunk } from './answers.ts'
import { toChatLogprobs } from './write-logprobs.ts'

type Choice = ChatChunk['choices'][number]

/** The events of `POST /v1/chat/completions`, and its whole answer. */
export function createChatForm(facts: AnswerFacts): AnswerForm {
  const { id, created, model, fingerprint, includeUsage, returnTokenIds } = facts
  const common = { id, created, model, system_fingerprint: fingerprint }
  const chunk = (choice: Partial<Choice>): ChatChunk => ({
    ...common,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: null, ...choice }],
    ...(includeUsage ? { usage: null } : {}),
  })
  return {
    begin: (promptIds) => ({
      ...chunk({ delta: { role: 'assistant', content: '' }, ...ids(facts, []) }),
      ...(returnTokenIds ? { prompt_token_ids: promptIds } : {}),
    }),
    piece: ({ text, tokens, logprobs }) =>
      chunk({
        delta: { content: text },
        logprobs: logprobs === undefined ? null : toChatLogprobs(logprobs),
        ...ids(facts, tokens),
      }),
    calls: (calls) =>
      chunk({ delta: { tool_calls: calls.map((call, index) => ({ index, ...call })) }, ...ids(facts, []) }),
    finish: (reason) => chunk({ finish_reason: reason, ...ids(facts, []) }),
    usage: (usage): ChatChunk => ({ ...common, object: 'chat.completion.chunk', choices: [], usage }),
    whole: ({ text, tokens, logprobs, calls, finish, usage, promptIds }): ChatAnswer => ({
      ...common,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: text === '' && calls.length > 0 ? null : text,
            refusal: null,
            ...(calls.length === 0 ? {} : { tool_calls: calls }),
          },
          logprobs: logprobs === undefined ? null : toChatLogprobs(logprobs),
          finish_reason: finish,
          ...ids(facts, tokens),
        },
      ],
      ...(returnTokenIds ? { prompt_token_ids: promptIds } : {}),
      usage,
    }),
  }
}
