import type { Timers } from '../../../../utils/with-deadline.ts'
import type { Upstream } from '../../upstreams/upstream.ts'
import { Stall } from './event-source.ts'

/**
 * Posts a request, and waits for the beginning of its answer.
 *
 * @param options.limitMs longest wait; infinity: as long as the connection lasts
 * @throws {Stall} none has come by then; what the connection fails with; the signal's reason
 */
export async function postInTime(
  upstream: Upstream,
  path: string,
  body: Uint8Array<ArrayBuffer>,
  options: { readonly signal: AbortSignal; readonly limitMs: number; readonly timers: Timers },
): Promise<Response> {
  const { signal, limitMs, timers } = options
  if (limitMs === Number.POSITIVE_INFINITY) return upstream.post(path, body, signal)
  // It outlives the wait: once the answer comes, the client's leaving still ends it.
  const ending = new AbortController()
  const end = () => ending.abort(signal.reason)
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })
  let stall: Stall | undefined
  const timer = timers.setTimeout(() => {
    stall = new Stall(limitMs)
    ending.abort(stall)
  }, limitMs)
  try {
    return await upstream.post(path, body, ending.signal)
  } catch (cause) {
    throw signal.aborted ? cause : (stall ?? cause)
  } finally {
    timers.clearTimeout(timer)
  }
}
