import * as v from 'valibot'
import { object } from '../../../contracts/object-schemas.ts'
import { createGapHistory, type GapHistory } from './gap-history.ts'
import { createRateLine, type RateLine } from './rate-line.ts'
import { createSlowTail, type SlowTail } from './slow-tail.ts'
import type { TextPlace } from './text-learner-types.ts'

/** Gathers arrivals until they are enough to tell a rate. */
interface RateMeter {
  add(ms: number, tokens: number, contextTokens: number, nowMs: number): void
}
interface Place {
  /** Milliseconds for each token after the first, by the context. */
  readonly token: RateLine
  readonly gaps: GapHistory
  readonly rate: RateMeter
}
export interface EdgePlace extends Place {
  /** Milliseconds for each uncached token of the prompt, by what it looks back on. */
  readonly prompt: RateLine
}
export interface CloudPlace extends Place {
  /** Milliseconds to a usual first token, by uncached tokens. */
  readonly first: RateLine
  readonly tail: SlowTail
}

/** Places kept; the least recently used is forgotten first. */
const mostRemembered = 32
/** Tokens that are taken together as one sample of the rate. */
const tokensOfSample = 16
/** The device may be busier or cooler, the endpoint fuller, than when the snapshot was taken. */
const extraVarianceAfterRestore = 0.1

/** A small language model on a laptop: 3 ms to read a token, 35 ms to write one. */
const edgePrompt = {
  level: { median: 3, variance: 1.5 },
  slope: { median: 1 / 1_500, variance: 0.8 },
  noise: 0.03,
  leastNoise: 0.003,
  driftPerSecond: 0.0006,
}
const edgeToken = { ...edgePrompt, level: { median: 35, variance: 1 }, slope: { median: 1 / 2_500, variance: 0.8 } }
/** A server in a data centre: 700 ms to the first token, 30 ms for each of the others. */
const cloudFirst = {
  level: { median: 700, variance: 1 },
  slope: { median: 1 / 6_000, variance: 0.8 },
  noise: 0.12,
  leastNoise: 0.01,
  driftPerSecond: 0.0012,
}
const cloudToken = {
  level: { median: 30, variance: 0.8 },
  slope: { median: 1 / 50_000, variance: 0.3 },
  noise: 0.05,
  leastNoise: 0.005,
  driftPerSecond: 0.0006,
}

function createRateMeter(token: RateLine): RateMeter {
  let sumMs = 0
  let sumTokens = 0
  return {
    add(ms, tokens, contextTokens, nowMs) {
      sumMs += ms
      sumTokens += tokens
      if (sumTokens < tokensOfSample) return
      token.observe(sumMs / sumTokens, Math.max(0, contextTokens - sumTokens / 2), nowMs)
      sumMs = 0
      sumTokens = 0
    },
  }
}
const createPlace = (options: typeof edgeToken): Place => {
  const token = createRateLine(options)
  return { token, gaps: createGapHistory(), rate: createRateMeter(token) }
}
const createEdgePlace = (): EdgePlace => ({ ...createPlace(edgeToken), prompt: createRateLine(edgePrompt) })
const createCloudPlace = (): CloudPlace => ({
  ...createPlace(cloudToken),
  first: createRateLine(cloudFirst),
  tail: createSlowTail(),
})

const entrySchema = object({
  first: v.optional(v.unknown()),
  tail: v.optional(v.unknown()),
  token: v.optional(v.unknown()),
  gaps: v.optional(v.unknown()),
})

/** The estimators of each model on each arm. */
export interface PlaceEstimators {
  /** Made on first use. */
  edge(place: TextPlace & { readonly arm: 'edge' }): EdgePlace
  cloud(place: TextPlace & { readonly arm: 'cloud' }): CloudPlace
  of(place: TextPlace): Place
  /** For a look, which makes and forgets none that is kept. */
  lookAtEdge(place: TextPlace & { readonly arm: 'edge' }): EdgePlace
  lookAtCloud(place: TextPlace & { readonly arm: 'cloud' }): CloudPlace
  snapshot(): (readonly [string, unknown])[]
  restore(entries: readonly (readonly [string, unknown])[], nowMs: number): void
}

export function createPlaceEstimators(): PlaceEstimators {
  const edges = new Map<string, EdgePlace>()
  const clouds = new Map<string, CloudPlace>()
  const unknownEdge = createEdgePlace()
  const unknownCloud = createCloudPlace()

  const use = <P>(map: Map<string, P>, key: string, create: () => P): P => {
    const known = map.get(key) ?? create()
    map.delete(key)
    map.set(key, known)
    for (const oldest of map.keys()) if (map.size > mostRemembered) map.delete(oldest)
    return known
  }
  const edgeKey = ({ model, backend }: TextPlace & { readonly arm: 'edge' }) => `edge ${backend} ${model}`
  const cloudKey = ({ model, endpoint }: TextPlace & { readonly arm: 'cloud' }) => `cloud ${endpoint} ${model}`
  const edge: PlaceEstimators['edge'] = (place) => use(edges, edgeKey(place), createEdgePlace)
  const cloud: PlaceEstimators['cloud'] = (place) => use(clouds, cloudKey(place), createCloudPlace)

  return {
    edge,
    cloud,
    of: (place) => (place.arm === 'edge' ? edge(place) : cloud(place)),
    lookAtEdge: (place) => edges.get(edgeKey(place)) ?? unknownEdge,
    lookAtCloud: (place) => clouds.get(cloudKey(place)) ?? unknownCloud,
    snapshot: () => [
      ...[...edges].map(([key, { prompt, token, gaps }]): [string, unknown] => [
        key,
        { first: prompt.snapshot(), token: token.snapshot(), gaps: gaps.snapshot() },
      ]),
      ...[...clouds].map(([key, { first, tail, token, gaps }]): [string, unknown] => [
        key,
        { first: first.snapshot(), tail: tail.snapshot(), token: token.snapshot(), gaps: gaps.snapshot() },
      ]),
    ],
    restore(entries, nowMs) {
      for (const [key, entry] of entries) {
        const parsed = v.safeParse(entrySchema, entry)
        if (!parsed.success) continue
        const { first, tail, token, gaps } = parsed.output
        if (key.startsWith('edge ')) {
          const place = use(edges, key, createEdgePlace)
          place.prompt.restore(first, nowMs, extraVarianceAfterRestore)
          place.token.restore(token, nowMs, extraVarianceAfterRestore)
          place.gaps.restore(gaps)
        } else if (key.startsWith('cloud ')) {
          const place = use(clouds, key, createCloudPlace)
          place.first.restore(first, nowMs, extraVarianceAfterRestore)
          place.token.restore(token, nowMs, extraVarianceAfterRestore)
          place.tail.restore(tail)
          place.gaps.restore(gaps)
        }
      }
    },
  }
}
