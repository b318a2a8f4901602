import { ValidationError } from '../../../errors/validation-error.ts'
import { parseChatRequest } from '../../../protocol/openai/chat-request.ts'
import { parseCompletionRequest } from '../../../protocol/openai/completion-request.ts'
import type { WritingRequest } from './to-task.ts'

export type RequestKind = WritingRequest['kind']

/** Reads a request's body. @throws {ValidationError} `options-invalid` */
export function parseRequest(kind: RequestKind, bytes: Uint8Array): WritingRequest {
  const body = parseJson(bytes)
  return kind === 'chat' ? parseChatRequest(body) : parseCompletionRequest(body)
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new ValidationError('options-invalid', 'The body is no JSON.', { cause })
  }
}

/** What the thread that reads requests offers. */
export const requestMethods = {
  parse: (kind: RequestKind, bytes: Uint8Array) => ({ value: parseRequest(kind, bytes) }),
}

export type RequestMethods = typeof requestMethods
