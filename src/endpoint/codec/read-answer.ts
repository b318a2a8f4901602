import { CloudError } from '../../errors/cloud-error.ts'
import { requestLimits } from '../../protocol/infer/infer-request.ts'
import { type InferResponse, parseInferResponse } from '../../protocol/infer/infer-response.ts'
import { scanJson } from '../../protocol/json/scan-json.ts'

/**
 * Reads the answer of another server, which may hold as much as a request.
 *
 * @throws {CloudError} `cloud-bad-response`; with `context.tooMuch` where it only holds too much
 */
export function readAnswer(body: Uint8Array): InferResponse {
  const scan = scanJson(body, requestLimits)
  if (scan.status === 'too-much') {
    throw new CloudError('cloud-bad-response', `The answer holds ${scan.what}; ask for less.`, {
      context: { tooMuch: scan.what },
    })
  }
  return parseInferResponse(body)
}
