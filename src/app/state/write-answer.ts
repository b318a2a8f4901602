import type { ChatMessage, Client, GenerateInput, GenerateOptions, RouteRecord } from '../../index.ts'
import { followWriting, type Written } from '../../ui/answers/follow-writing.ts'

/** What a person has written, and what the model answered before. */
export type WritingInput = { readonly prompt: string } | { readonly messages: readonly ChatMessage[] }

/** Tokens an answer of the app may have. */
const mostTokens = 400

/** Writes an answer, and shows it as it comes. */
export async function writeAnswer(
  client: Pick<Client, 'generate'>,
  model: string,
  input: WritingInput,
  options: GenerateOptions,
  show: (answer: Written, route: RouteRecord | undefined) => void,
): Promise<void> {
  const writing = client.generate(model, input as GenerateInput, {
    maxTokens: mostTokens,
    whenFull: 'drop-oldest',
    // A tab that is reloaded asks the same again, and goes on.
    journal: 'app',
    ...options,
  })
  const followed = followWriting()
  for await (const part of writing) {
    followed.take(part)
    show(followed.written, undefined)
  }
  const { text, finishReason, route } = await writing.done
  show(followed.end({ text, finishReason }), route)
}
