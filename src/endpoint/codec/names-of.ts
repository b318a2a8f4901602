import { findConversation } from './find-conversation.ts'
import { findModelName } from './find-model-name.ts'
import { readTextFields, type TextFields } from './text-fields.ts'

/** What a body of the OpenAI API is about. */
export interface BodyNames {
  readonly model: string
  /** What tells its conversation from others. */
  readonly conversation: string
  readonly fields: TextFields
}

/** @throws {ValidationError} as `findModelName` */
export function namesOf<B extends Uint8Array>(body: B): BodyNames & { readonly body: B } {
  return { body, model: findModelName(body), conversation: findConversation(body), fields: readTextFields(body) }
}
