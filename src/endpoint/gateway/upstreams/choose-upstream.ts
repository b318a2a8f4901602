import type { UpstreamState } from './upstream-state.ts'

/** What choosing needs to know of an upstream. */
export interface UpstreamStatus {
  readonly url: string
  readonly state: UpstreamState
}

/**
 * The upstreams that may get requests now: healthy and not left out. When all the healthy ones are left out, they are
 * taken all the same: a bad answer is better than none.
 */
export function usableUpstreams<T extends UpstreamStatus>(upstreams: readonly T[], nowMs: number): readonly T[] {
  const healthy = upstreams.filter(({ state }) => state.healthy)
  const kept = healthy.filter(({ state }) => !state.ejected(nowMs))
  return kept.length > 0 ? kept : healthy
}

/** May one more be left out? At most half of them at a time, and never the only one. */
export function mayEject(upstreams: readonly UpstreamStatus[], nowMs: number): boolean {
  const out = upstreams.filter(({ state }) => state.ejected(nowMs)).length
  return out + 1 <= upstreams.length / 2
}

/**
 * Least loaded first: those that did not just say that they are overloaded, then by requests under way, then by the mean
 * time of answers, then by lot, so that none is always first.
 */
export function byLoad<T extends UpstreamStatus>(
  upstreams: readonly T[],
  { nowMs, random }: { readonly nowMs: number; readonly random: () => number },
): readonly T[] {
  return upstreams
    .map((upstream) => ({ upstream, lot: random() }))
    .sort(
      (a, b) =>
        Number(a.upstream.state.backingOff(nowMs)) - Number(b.upstream.state.backingOff(nowMs)) ||
        a.upstream.state.inFlight - b.upstream.state.inFlight ||
        (a.upstream.state.answerMs ?? 0) - (b.upstream.state.answerMs ?? 0) ||
        a.lot - b.lot,
    )
    .map(({ upstream }) => upstream)
}

/**
 * The same upstream for the same key for as long as it is there, and another one only for the keys of one that is gone:
 * a sequence's state lies at one upstream.
 *
 * Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998), highest random weight
 */
export function byKey<T extends UpstreamStatus>(upstreams: readonly T[], key: string): readonly T[] {
  const weight = ({ url }: UpstreamStatus) => hash(`${url} ${key}`)
  return [...upstreams].sort((a, b) => weight(b) - weight(a))
}

/** How much more than its share of the requests an upstream may have for the sake of conversations. */
const mostOfShare = 1.25

/**
 * The upstream that has this conversation first: it knows its beginning, and need not read it again. One that has more
 * than its share of the requests, or said that it is overloaded, comes after those that have not.
 *
 * Source: Mirrokni, Thorup and Zadimoghaddam, "Consistent hashing with bounded loads" (2018)
 */
export function byConversation<T extends UpstreamStatus>(
  upstreams: readonly T[],
  conversation: string,
  nowMs: number,
): readonly T[] {
  const all = upstreams.reduce((sum, { state }) => sum + state.inFlight, 0)
  const most = Math.ceil(((all + 1) / upstreams.length) * mostOfShare)
  const isFree = ({ state }: UpstreamStatus) => state.inFlight < most && !state.backingOff(nowMs)
  const ordered = byKey(upstreams, conversation)
  return [...ordered.filter(isFree), ...ordered.filter((upstream) => !isFree(upstream))]
}

/** FNV-1a, 32 bits, with a last mixing step: the plain one differs too little for keys that end alike. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x7feb352d)
  return (value ^ (value >>> 15)) >>> 0
}
