import { sleep } from '../../../utils/sleep.ts'
import type { Timers } from '../../../utils/with-deadline.ts'
import type { Upstream } from './upstream.ts'

/** Checks each upstream now and again, on its own: one that answers slowly does not hold up the others' checks. */
export function watchHealth(
  upstreams: readonly Upstream[],
  options: { readonly everyMs: number; readonly signal: AbortSignal; readonly timers?: Timers },
): { /** Settles when each has been checked once. */ readonly firstRound: Promise<void> } {
  const { everyMs, signal, timers } = options
  const first = upstreams.map((upstream) => upstream.check())
  upstreams.forEach(async (upstream, index) => {
    await first[index]
    while (!signal.aborted) {
      await sleep(everyMs, signal, timers).catch(() => {})
      if (!signal.aborted) await upstream.check()
    }
  })
  return { firstRound: Promise.all(first).then(() => {}) }
}
