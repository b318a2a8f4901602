import type { ModelFile } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'

type TransferCode = 'download-failed' | 'download-wrong-size' | 'download-wrong-hash'

/** A transfer that failed in a way that another try may mend. */
export const passingFault = (
  code: TransferCode,
  message: string,
  facts: { cause?: unknown; status?: number; retryAfterMs?: number | undefined } = {},
) =>
  new ModelError(code, message, {
    cause: facts.cause,
    context: {
      retriable: true,
      ...(facts.status === undefined ? {} : { status: facts.status }),
      ...(facts.retryAfterMs === undefined ? {} : { retryAfterMs: facts.retryAfterMs }),
    },
  })

/** True for the errors that `passingFault` made. */
export const isPassingFault = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.context.retriable === true

/** Is this the chunk that the manifest promises, where it promises chunks? */
export const isExpectedChunk = (file: ModelFile, index: number, sha256: string): boolean =>
  file.chunks === undefined || file.chunks.sha256[index] === sha256

/** A chunk that is not the one that the manifest promises. */
export const wrongChunk = (file: ModelFile, index: number) =>
  passingFault('download-wrong-hash', `Part ${index} of ${file.path} is not what its manifest promises.`)
