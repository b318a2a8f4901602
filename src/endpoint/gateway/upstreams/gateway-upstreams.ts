import type { Upstream } from './upstream.ts'

/** The servers behind a gateway, whose health and load all of its routes share. */
export interface GatewayUpstreams {
  readonly upstreams: readonly Upstream[]
  /** Those that may get requests now, the least loaded first. */
  usable(): readonly Upstream[]
  /** A request outside the protocol failed for this upstream's fault. */
  blame(upstream: Upstream): void
}
