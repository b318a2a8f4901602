import { CloudError } from '../../errors/cloud-error.ts'
import type { Upstream } from './upstreams/upstream.ts'

/** Refuses requests that no upstream can take now. */
export interface GatewayAdmission {
  /** @throws {CloudError} `cloud-overloaded`: no upstream is ready, all are full, or none would answer in time */
  admit(model: string, deadlineAtMs: number | undefined): void
  /** Those of the upstreams that may be sent one more request. */
  withRoom(upstreams: readonly Upstream[]): readonly Upstream[]
  /** The error of a request that none of these upstreams has room for. */
  full(upstreams: readonly Upstream[]): CloudError
  /** The error of a request while no upstream is ready. */
  noneReady(): CloudError
}

export function createGatewayAdmission(options: {
  readonly usable: () => readonly Upstream[]
  readonly maxInFlight: number
  readonly checkEveryMs: number
  readonly now: () => number
}): GatewayAdmission {
  const { usable, maxInFlight, checkEveryMs, now } = options
  const overloaded = (sentence: string, retryAfterMs: number) =>
    new CloudError('cloud-overloaded', sentence, { context: { retryAfterMs: Math.ceil(retryAfterMs) } })
  const withRoom = (upstreams: readonly Upstream[]) => upstreams.filter(({ state }) => state.inFlight < maxInFlight)
  const full = (upstreams: readonly Upstream[]) => {
    const waits = upstreams.flatMap(({ state }) => (state.answerMs === undefined ? [] : [state.answerMs]))
    const sentence = 'All upstreams have as many requests as they are given; try again soon.'
    return overloaded(sentence, Math.max(1_000, ...waits))
  }
  const noneReady = () => overloaded('No upstream is ready to serve; try again in a moment.', checkEveryMs)
  return {
    withRoom,
    full,
    noneReady,
    admit(model, deadlineAtMs) {
      const upstreams = usable()
      if (upstreams.length === 0) throw noneReady()
      const having = upstreams.filter((upstream) => upstream.has(model) !== false)
      if (having.length === 0) return
      const free = withRoom(having)
      if (free.length === 0) throw full(having)
      if (deadlineAtMs === undefined) return
      // An idle upstream is always tried: its mean may date from a time when it was slow under load.
      const soonestMs = Math.min(...free.map(({ state }) => (state.inFlight === 0 ? 0 : (state.answerMs ?? 0))))
      if (now() + soonestMs <= deadlineAtMs) return
      throw overloaded('No upstream is expected to answer by the deadline.', soonestMs)
    },
  }
}
