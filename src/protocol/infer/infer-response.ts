import * as v from 'valibot'
import { object } from '../../contracts/object-schemas.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { readJsonHead } from '../json/read-json-head.ts'
import { checkWire, parseTensors, wireTensorsSchema } from '../tensors/parse-tensors.ts'
import { type BinaryChoice, type EncodedBody, encodeBody } from './encode-body.ts'

/** An answer of the Open Inference Protocol v2. */
export interface InferResponse {
  /** As the server names them; a few servers leave them out. */
  readonly modelName?: string
  readonly modelVersion?: string
  readonly id?: string
  readonly outputs: TensorMap
}

// `null` stands for "absent" in answers of servers that are written in Python.
const responseSchema = object({
  model_name: v.nullish(v.string()),
  model_version: v.nullish(v.string()),
  id: v.nullish(v.string()),
  outputs: wireTensorsSchema,
})

/**
 * Writes an answer's body.
 *
 * @param options.binary which outputs are sent as binary data
 * @throws {ValidationError} an output can't be carried in JSON
 */
export function encodeInferResponse(
  options: InferResponse & { readonly modelName: string; readonly binary: BinaryChoice },
): EncodedBody {
  const { modelName, modelVersion, id, outputs, binary } = options
  const head = {
    model_name: modelName,
    ...(modelVersion === undefined ? {} : { model_version: modelVersion }),
    ...(id === undefined ? {} : { id }),
  }
  return encodeBody(head, 'outputs', outputs, binary)
}

/**
 * Reads an answer's body. `Inference-Header-Content-Length` is not asked for: a page can't read it of every server.
 *
 * @throws {CloudError} `cloud-bad-response`, with what does not fit as its cause
 */
export function parseInferResponse(body: Uint8Array): InferResponse {
  try {
    const head = readJsonHead(body)
    const { model_name, model_version, id, outputs } = checkWire(responseSchema, head.json)
    return {
      ...(typeof model_name === 'string' ? { modelName: model_name } : {}),
      ...(typeof model_version === 'string' ? { modelVersion: model_version } : {}),
      ...(typeof id === 'string' ? { id } : {}),
      outputs: parseTensors(outputs, body, head, undefined),
    }
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    throw new CloudError('cloud-bad-response', `The endpoint's answer can't be read: ${error.message}`, {
      cause: error,
    })
  }
}
