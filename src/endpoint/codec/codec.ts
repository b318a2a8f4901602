import type { NumericData, TensorData, TensorMap } from '../../contracts/tensor.ts'
import type { EncodedBody } from '../../protocol/infer/encode-body.ts'
import { encodeInferRequest, type InferRequest, type RequestToEncode } from '../../protocol/infer/infer-request.ts'
import type { InferResponse } from '../../protocol/infer/infer-response.ts'
import { exportPrivateKey, type SealingKeyPair } from '../../protocol/sealing.ts'
import { tensorBuffers } from '../../utils/tensor-buffers.ts'
import { joinInTurns } from '../threads/join-in-turns.ts'
import { openSideThread, scriptBeside } from '../threads/side-thread.ts'
import type { CodecMethods } from './codec-methods.ts'
import { namesOf } from './names-of.ts'
import { readAnswer } from './read-answer.ts'
import { isLightBody, isLightRequest, type RequestToRead, readRequest } from './read-request.ts'
import {
  type AnswerToSeal,
  isLightSeal,
  type OpenedBody,
  openSealed,
  type SealedToOpen,
  sealAnswer,
} from './sealed-bodies.ts'
import { type AnswerToWrite, isLightAnswer, writeAnswer } from './write-answer.ts'

/**
 * Reads and writes bodies without holding up the event loop: what takes more than a few milliseconds is done by a
 * thread, which starts when it is first needed.
 */
export interface Codec {
  /** The body's memory is given away. @throws {ValidationError} with a sentence that says what does not fit */
  read(request: RequestToRead): Promise<InferRequest>
  /** The outputs' memory is given away. @throws {ValidationError} an output can't be sent as it was asked for */
  write(answer: AnswerToWrite): Promise<EncodedBody>
  /** A request to another server. The tensors stay as they are. @throws {ValidationError} as `encodeInferRequest` */
  writeRequest(request: RequestToEncode): Promise<EncodedBody>
  /** Another server's answer. The body's memory is given away. @throws {CloudError} `cloud-bad-response` */
  readAnswer(body: Uint8Array<ArrayBuffer>): Promise<InferResponse>
  /** The bytes' memory is given away. @throws {ValidationError} `options-invalid`: it can't be opened with this key */
  open(sealed: SealedToOpen, key: SealingKeyPair): Promise<OpenedBody>
  /** The body's memory is given away. */
  seal(answer: AnswerToSeal): Promise<Uint8Array<ArrayBuffer>>
  /**
   * The model that a body of the OpenAI API names, and what tells its conversation from others, without reading the rest.
   *
   * @returns with the body, whose memory may have moved
   * @throws {ValidationError} `options-invalid`: it is no JSON object, or does not name one model
   */
  modelName(
    body: Uint8Array<ArrayBuffer>,
  ): Promise<{ readonly body: Uint8Array<ArrayBuffer>; readonly model: string; readonly conversation: string }>
  close(): Promise<void>
}

/** Heap of the thread. The limits of what a request may hold keep it well below. */
const memoryBytes = 2 ** 30

/** Bytes that are looked through in a few milliseconds, however many keys they have. */
const lightBytes = 64 * 1024

export function openCodec(onFault: (cause: unknown) => void): Codec {
  const thread = openSideThread<CodecMethods>(scriptBeside('codec-worker', import.meta.url), { memoryBytes, onFault })
  return {
    async read(request) {
      if (isLightRequest(request)) return readRequest(request)
      const body = await toOwn(request.body)
      return thread.call('read', [{ ...request, body }], { transfer: [body.buffer] })
    },
    async write(answer) {
      if (isLightAnswer(answer)) return writeAnswer(answer)
      const outputs = await toOwnTensors(answer.outputs)
      return thread.call('write', [{ ...answer, outputs }], { transfer: tensorBuffers(outputs) })
    },
    async writeRequest(request) {
      const { inputs, binary } = request
      const forms = Object.fromEntries(Object.keys(inputs).map((name) => [name, { binary: binary === true }]))
      if (isLightAnswer({ outputs: inputs, forms }) || typeof binary === 'function') return encodeInferRequest(request)
      const copies = await copyTensors(inputs)
      return thread.call('writeRequest', [{ ...request, inputs: copies }], { transfer: tensorBuffers(copies) })
    },
    async readAnswer(body) {
      if (isLightBody(body)) return readAnswer(body)
      const own = await toOwn(body)
      return thread.call('readAnswer', [own], { transfer: [own.buffer] })
    },
    async open(sealed, key) {
      if (isLightSeal(sealed.bytes)) return openSealed(sealed, key)
      const bytes = await toOwn(sealed.bytes)
      return thread.call('open', [{ ...sealed, bytes }, await exportPrivateKey(key)], { transfer: [bytes.buffer] })
    },
    async seal(answer) {
      if (isLightSeal(answer.body)) return sealAnswer(answer)
      const body = await toOwn(answer.body)
      return thread.call('seal', [{ ...answer, body }], { transfer: [body.buffer] })
    },
    async modelName(body) {
      if (body.length <= lightBytes) return namesOf(body)
      const own = await toOwn(body)
      return thread.call('modelName', [own], { transfer: [own.buffer] })
    },
    close: thread.close,
  }
}

/** A Buffer is cloned as what it is not, and memory that is shared with others must not move. */
async function toOwn(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const isWhole = bytes.byteLength === bytes.buffer.byteLength
  return new Uint8Array((isWhole ? bytes : await joinInTurns([bytes], bytes.length)).buffer)
}

/** Requests that were run together have views of one memory. */
const toOwnTensors = (outputs: TensorMap): Promise<TensorMap> =>
  mapTensors(outputs, async (data) => (data.byteLength === data.buffer.byteLength ? data : copyOf(data)))

const copyTensors = (tensors: TensorMap): Promise<TensorMap> => mapTensors(tensors, copyOf)

async function mapTensors(tensors: TensorMap, change: (data: NumericData) => Promise<NumericData>): Promise<TensorMap> {
  const changed: [string, TensorData][] = []
  for (const [name, tensor] of Object.entries(tensors)) {
    const { data } = tensor
    changed.push([name, ArrayBuffer.isView(data) ? { ...tensor, data: await change(data as NumericData) } : tensor])
  }
  return Object.fromEntries(changed)
}

async function copyOf(data: NumericData): Promise<NumericData> {
  const { buffer, byteOffset, byteLength } = data
  const copy = await joinInTurns([new Uint8Array(buffer, byteOffset, byteLength)], byteLength)
  const Kind = data.constructor as new (memory: ArrayBuffer) => NumericData
  return new Kind(copy.buffer)
}
