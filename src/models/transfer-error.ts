import { ModelError } from '../errors/model-error.ts'

type TransferCode = 'download-failed' | 'download-wrong-size'

/** A transfer that failed in a way that another try may mend. */
export const passingFault = (code: TransferCode, message: string, facts: { cause?: unknown; status?: number } = {}) =>
  new ModelError(code, message, {
    cause: facts.cause,
    context: { retriable: true, ...(facts.status === undefined ? {} : { status: facts.status }) },
  })

/** True for the errors that `passingFault` made. */
export const isPassingFault = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.context.retriable === true
