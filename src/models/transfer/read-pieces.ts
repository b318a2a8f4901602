import { isHitherError } from '../../errors/hither-error.ts'
import { abortable } from '../../utils/abortable.ts'
import { withDeadline } from '../../utils/with-deadline.ts'
import type { FetchEnvironment } from './fetch-environment.ts'
import { passingFault } from './transfer-error.ts'

/**
 * A response's body, piece by piece. Ending the iteration early ends the transfer.
 *
 * @param name what is being read, for the error's sentence
 * @param url what was asked for it: its bytes are metered as this server's. Default: they are not metered
 * @throws {ModelError} `download-failed`, retriable: the connection broke or fell silent
 * @throws the signal's reason
 */
export async function* readPieces(
  response: Response,
  name: string,
  environment: FetchEnvironment,
  signal: AbortSignal | undefined,
  url?: string,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  const seconds = Math.round(environment.idleMs / 1000)
  const metered = url === undefined ? undefined : environment.meter?.begin(url)
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
      metered?.piece(value.byteLength)
      yield value
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (isHitherError(error)) throw error
    throw passingFault('download-failed', `The connection broke while ${name} was downloaded.`, { cause: error })
  } finally {
    metered?.end()
    reader.cancel().catch(() => {})
  }
}
