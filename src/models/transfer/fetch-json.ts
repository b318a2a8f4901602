import { ModelError } from '../../errors/model-error.ts'
import { abortable } from '../../utils/abortable.ts'
import { withDeadline } from '../../utils/with-deadline.ts'
import type { FetchEnvironment } from './fetch-environment.ts'
import { readPieces } from './read-pieces.ts'

/** Far above any real one; keeps a server that answers with something else from filling the memory. */
const maxJsonBytes = 16 * 1024 * 1024

/**
 * Fetches a small JSON file, revalidated against the server.
 *
 * @param timeoutMs for the whole of it
 * @throws {ModelError} `catalog-unavailable`: no answer, not a good one, or no JSON
 */
export async function fetchJson(url: string, timeoutMs: number, environment: FetchEnvironment): Promise<unknown> {
  const fail = (why: string, cause?: unknown) =>
    new ModelError('catalog-unavailable', `Could not load ${url}: ${why}.`, { cause })
  const load = async (signal: AbortSignal): Promise<unknown> => {
    const authorization = await environment.authorize(url)
    const init = { cache: 'no-cache', signal } as const
    const response = await abortable(
      environment.fetch(
        url,
        authorization === undefined ? init : { ...init, headers: { Authorization: authorization } },
      ),
      signal,
    )
    if (!response.ok) {
      response.body?.cancel().catch(() => {})
      throw fail(`the server answered ${response.status}`)
    }
    const decoder = new TextDecoder()
    let text = ''
    let bytes = 0
    for await (const piece of readPieces(response, url, environment, signal)) {
      bytes += piece.byteLength
      if (bytes > maxJsonBytes) throw fail('it is too large')
      text += decoder.decode(piece, { stream: true })
    }
    try {
      return JSON.parse(text + decoder.decode())
    } catch (error) {
      throw fail('it is no JSON. Does this network ask you to sign in first?', error)
    }
  }
  try {
    const onDeadline = () => fail(`no answer within ${Math.round(timeoutMs / 1000)} seconds`)
    return await withDeadline(load, { ms: timeoutMs, timers: environment.timers, onDeadline })
  } catch (error) {
    if (error instanceof ModelError && error.code === 'catalog-unavailable') throw error
    throw fail('the server cannot be reached', error)
  }
}
