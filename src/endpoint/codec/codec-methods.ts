import { encodeInferRequest, type RequestToEncode } from '../../protocol/infer/infer-request.ts'
import { tensorBuffers } from '../../utils/tensor-buffers.ts'
import { namesOf } from './names-of.ts'
import { readAnswer } from './read-answer.ts'
import { type RequestToRead, readRequest } from './read-request.ts'
import { type AnswerToSeal, openSealed, type SealedToOpen, sealAnswer } from './sealed-bodies.ts'
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
  writeRequest: (request: RequestToEncode) => {
    const value = encodeInferRequest(request)
    return { value, transfer: [value.body.buffer] }
  },
  readAnswer: (body: Uint8Array<ArrayBuffer>) => {
    const value = readAnswer(body)
    return { value, transfer: tensorBuffers(value.outputs) }
  },
  open: async (sealed: SealedToOpen, privateKey: ArrayBuffer) => {
    const value = await openSealed(sealed, privateKey)
    return { value, transfer: [value.message.body.buffer as ArrayBuffer] }
  },
  seal: async (answer: AnswerToSeal) => {
    const value = await sealAnswer(answer)
    return { value, transfer: [value.buffer] }
  },
  /** The body comes back with the answer: it was moved here. */
  modelName: (body: Uint8Array<ArrayBuffer>) => ({
    value: namesOf(body),
    transfer: [body.buffer],
  }),
}

export type CodecMethods = typeof codecMethods
