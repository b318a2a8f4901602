import { tensorBuffers } from '../../utils/tensor-buffers.ts'
import { findModelName } from './find-model-name.ts'
import { type RequestToRead, readRequest } from './read-request.ts'
import { type AnswerToWrite, writeAnswer } from './write-answer.ts'

/** What the codec's thread offers. */
export const codecMethods = {
  read: (request: RequestToRead) => {
    const value = readRequest(request)
    return { value, transfer: tensorBuffers(value.inputs) }
  },
  write: (answer: AnswerToWrite) => {
    const value = writeAnswer(answer)
    return { value, transfer: [value.body.buffer] }
  },
  /** The body comes back with the answer: it was moved here. */
  modelName: (body: Uint8Array<ArrayBuffer>) => ({
    value: { body, model: findModelName(body) },
    transfer: [body.buffer],
  }),
}

export type CodecMethods = typeof codecMethods
