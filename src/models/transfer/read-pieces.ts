import { isHitherError } from '../../errors/hither-error.ts'
import { abortable } from '../../utils/abortable.ts'
import { withDeadline } from '../../utils/with-deadline.ts'
import type { FetchEnvironment } from './fetch-environment.ts'
import { passingFault } from './transfer-error.ts'

/**
 * A response's body, piece by piece. Ending the iteration early ends the transfer.
 *
 * @param name what is being read, for the error's sentence
 * @throws {ModelError} `download-failed`, retriable: the connection broke or fell silent
 * @throws the signal's reason
 */
export async function* readPieces(
  response: Response,
  name: string,
  environment: FetchEnvironment,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  const seconds = Math.round(environment.idleMs / 1000)
  try {
    for (;;) {
      const { done, value } = await withDeadline((limited) => abortable(reader.read(), limited), {
        ms: environment.idleMs,
        signal,
        timers: environment.timers,
        onDeadline: () =>
          passingFault('download-failed', `The download of ${name} stood still for ${seconds} seconds.`),
      })
      if (done) return
      yield value
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (isHitherError(error)) throw error
    throw passingFault('download-failed', `The connection broke while ${name} was downloaded.`, { cause: error })
  } finally {
    reader.cancel().catch(() => {})
  }
}
