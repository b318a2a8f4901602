import type { TensorMap } from '../contracts/tensor.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { type InferResponse, parseInferResponse } from '../protocol/infer/infer-response.ts'
import type { CloudAnswer } from './cloud-request.ts'

/** @throws {CloudError} `cloud-bad-response` */
export type ParseResponse = (body: Uint8Array) => InferResponse | Promise<InferResponse>

/**
 * The outputs in an endpoint's answer.
 *
 * @param parse reads the body
 * @throws {CloudError} `cloud-bad-response`: it is no answer of the protocol, or not the one to this request
 */
export async function readOutputs(
  { headers, body }: CloudAnswer,
  { id, outputs: asked }: { readonly id?: string; readonly outputs?: readonly string[] },
  parse: ParseResponse = parseInferResponse,
): Promise<TensorMap> {
  const refuse = (message: string) => new CloudError('cloud-bad-response', message, { context: { status: 200 } })
  if (/^\s*text\/html\b/i.test(headers.get('Content-Type') ?? '')) {
    throw refuse(
      'The endpoint answered with a web page instead of a result; a login page or a proxy may be in the way.',
    )
  }
  const answer = await withStatus(() => parse(body))
  if (id !== undefined && answer.id !== undefined && answer.id !== id && answer.id !== '') {
    throw refuse('The endpoint answered another request than this one.')
  }
  const missing = asked?.find((name) => !Object.hasOwn(answer.outputs, name))
  if (missing !== undefined) throw refuse(`The endpoint's answer lacks the output ${missing}.`)
  if (Object.keys(answer.outputs).length === 0) throw refuse("The endpoint's answer has no outputs.")
  return answer.outputs
}

async function withStatus<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof CloudError) || error.code !== 'cloud-bad-response') throw error
    throw new CloudError('cloud-bad-response', error.message, {
      cause: error.cause,
      context: { ...error.context, status: 200 },
    })
  }
}
