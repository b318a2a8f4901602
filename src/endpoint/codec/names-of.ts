import { findConversation } from './find-conversation.ts'
import { findModelName } from './find-model-name.ts'

/** What a body of the OpenAI API is about. @throws {ValidationError} as `findModelName` */
export function namesOf<B extends Uint8Array>(body: B) {
  return { body, model: findModelName(body), conversation: findConversation(body) }
}
