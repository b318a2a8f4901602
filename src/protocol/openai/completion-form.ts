import { type AnswerFacts, type AnswerForm, ids } from './answer-form.ts'
import type { CompletionAnswer } from './answers.ts'
import { type GivenLogprobs, toCompletionLogprobs } from './write-logprobs.ts'

type Choice = CompletionAnswer['choices'][number]

/** The events of `POST /v1/completions`, and its whole answer. */
export function createCompletionForm(facts: AnswerFacts): AnswerForm {
  const { id, created, model, fingerprint, includeUsage, returnTokenIds } = facts
  const answer = (choice: Partial<Choice>): CompletionAnswer => ({
    id,
    object: 'text_completion',
    created,
    model,
    system_fingerprint: fingerprint,
    choices: [{ index: 0, text: '', logprobs: null, finish_reason: null, ...choice }],
  })
  const event = (choice: Partial<Choice>): CompletionAnswer => ({
    ...answer(choice),
    ...(includeUsage ? { usage: null } : {}),
  })
  /** Characters of the tokens that were told. */
  let offset = 0
  const logprobsOf = (given: readonly GivenLogprobs[] | undefined) => {
    if (given === undefined) return null
    const logprobs = toCompletionLogprobs(given, offset)
    offset += given.reduce((sum, { text }) => sum + text.length, 0)
    return logprobs
  }
  const prompt = (promptIds: readonly number[]) => (returnTokenIds ? { prompt_token_ids: promptIds } : {})
  return {
    begin: (promptIds) => event({ ...ids(facts, []), ...prompt(promptIds) }),
    piece: ({ text, tokens, logprobs }) => event({ text, logprobs: logprobsOf(logprobs), ...ids(facts, tokens) }),
    // There are none in completions: no tools are taken.
    calls: () => event({}),
    finish: (reason) => event({ finish_reason: reason, ...ids(facts, []) }),
    usage: (usage): CompletionAnswer => ({ ...answer({}), choices: [], usage }),
    whole: ({ text, tokens, logprobs, finish, usage, promptIds }): CompletionAnswer => ({
      ...answer({
        text,
        logprobs: logprobsOf(logprobs),
        finish_reason: finish,
        ...ids(facts, tokens),
        ...prompt(promptIds),
      }),
      usage,
    }),
  }
}
