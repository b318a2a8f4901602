import type { GatewayUpstreams } from '../../upstreams/gateway-upstreams.ts'
import type { Upstream } from '../../upstreams/upstream.ts'
import type { Failure } from './failure.ts'

/** What the failures of a request say of its upstreams. */
export interface Faults {
  note(upstream: Upstream, failure: Failure): void
  /** This one has answered the request whole. */
  whole(upstream: Upstream): void
}

export function createFaults(
  engine: Pick<GatewayUpstreams, 'blame'>,
  options: { readonly now: () => number; readonly onFault: (upstream: Upstream, cause: unknown) => void },
): Faults {
  const { now, onFault } = options
  /** A failure that may be the request's counts only once another upstream has answered it. */
  const suspects: Upstream[] = []
  return {
    note(upstream, { fault, cause }) {
      onFault(upstream, cause)
      if (fault === 'upstream') engine.blame(upstream)
      else if (fault === 'busy') upstream.state.overloaded(now(), undefined)
      else if (fault === 'suspect') suspects.push(upstream)
    },
    whole(upstream) {
      upstream.state.succeeded()
      for (const suspect of suspects.splice(0)) if (suspect !== upstream) engine.blame(suspect)
    },
  }
}
