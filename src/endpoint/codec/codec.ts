import type { NumericData, TensorData, TensorMap } from '../../contracts/tensor.ts'
import type { EncodedBody } from '../../protocol/infer/encode-body.ts'
import type { InferRequest } from '../../protocol/infer/infer-request.ts'
import { tensorBuffers } from '../../utils/tensor-buffers.ts'
import { openSideThread, scriptBeside } from '../threads/side-thread.ts'
import type { CodecMethods } from './codec-methods.ts'
import { findModelName } from './find-model-name.ts'
import { isLightRequest, type RequestToRead, readRequest } from './read-request.ts'
import { type AnswerToWrite, isLightAnswer, writeAnswer } from './write-answer.ts'

/**
 * Reads requests and writes answers without holding up the event loop: what takes more than a few milliseconds is done
 * by a thread, which starts when it is first needed.
 */
export interface Codec {
  /** The body's memory is given away. @throws {ValidationError} with a sentence that says what does not fit */
  read(request: RequestToRead): Promise<InferRequest>
  /** The outputs' memory is given away. @throws {ValidationError} an output can't be sent as it was asked for */
  write(answer: AnswerToWrite): Promise<EncodedBody>
  /**
   * The model that a body of the OpenAI API names, without reading the rest.
   *
   * @returns with the body, whose memory may have moved
   * @throws {ValidationError} `options-invalid`: it is no JSON object, or does not name one model
   */
  modelName(body: Uint8Array<ArrayBuffer>): Promise<{ readonly body: Uint8Array<ArrayBuffer>; readonly model: string }>
  close(): Promise<void>
}

/** Heap of the thread. The limits of what a request may hold keep it well below. */
const memoryBytes = 2 ** 30

/** Bytes that are looked through in a few milliseconds. */
const lightBytes = 512 * 1024

export function openCodec(onFault: (cause: unknown) => void): Codec {
  const thread = openSideThread<CodecMethods>(scriptBeside('codec-worker', import.meta.url), { memoryBytes, onFault })
  return {
    async read(request) {
      if (isLightRequest(request)) return readRequest(request)
      const body = toOwn(request.body)
      return thread.call('read', [{ ...request, body }], { transfer: [body.buffer] })
    },
    async write(answer) {
      if (isLightAnswer(answer)) return writeAnswer(answer)
      const outputs = toOwnTensors(answer.outputs)
      return thread.call('write', [{ ...answer, outputs }], { transfer: tensorBuffers(outputs) })
    },
    async modelName(body) {
      if (body.length <= lightBytes) return { body, model: findModelName(body) }
      const own = toOwn(body)
      return thread.call('modelName', [own], { transfer: [own.buffer] })
    },
    close: thread.close,
  }
}

/** A Buffer is cloned as what it is not, and memory that is shared with others must not move. */
function toOwn(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const isWhole = bytes.byteLength === bytes.buffer.byteLength
  return isWhole ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes)
}

/** Requests that were run together have views of one memory. */
const toOwnTensors = (outputs: TensorMap): TensorMap =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]): [string, TensorData] => {
      const { data } = tensor
      const isPart = ArrayBuffer.isView(data) && data.byteLength !== data.buffer.byteLength
      return [name, isPart ? { ...tensor, data: (data as NumericData).slice() } : tensor]
    }),
  )
