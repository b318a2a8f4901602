import * as v from 'valibot'
import { object } from '../../../contracts/object-schemas.ts'
import type { LogNormal } from '../../../utils/log-normal.ts'
import { normalShareBelow } from '../../../utils/normal-share.ts'
import { createLengthHistory, type LengthHistory } from './length-history.ts'
import { type CloudPlace, createPlaceEstimators, type EdgePlace, type PlaceEstimators } from './place-estimators.ts'
import { cloudFirstToken, edgeFirstToken, lookBackOf, stepTokens } from './text-cost-models.ts'
import type { TextLearner, TextPlace } from './text-learner-types.ts'

/** Kinds of answers whose lengths are kept; the least recently used is forgotten first. */
const mostWorks = 64
/** A first token from the tail says this much of the usual time: enough to notice, in a row, a new level. */
const tailWeight = 0.1

const name = v.pipe(v.string(), v.maxLength(600))
const snapshotSchema = object({
  version: v.literal(1),
  places: v.pipe(v.array(v.tuple([name, v.unknown()])), v.maxLength(200)),
  lengths: v.pipe(v.array(v.tuple([name, v.unknown()])), v.maxLength(mostWorks)),
})

type Run = Parameters<TextLearner['observeFirstToken']>[1]

const isTokens = (value: number) => value >= 0 && value < 1e9
const isRun = ({ promptTokens, uncachedTokens }: Run) =>
  isTokens(promptTokens) && isTokens(uncachedTokens) && uncachedTokens <= promptTokens

/** Milliseconds a token that the run took to read its prompt. */
const readingRate = ({ ms, waitMs = 0, uncachedTokens }: Run) =>
  Math.max(0, ms - waitMs) / (uncachedTokens + stepTokens)

/**
 * Below this much of a sample, a run that was ended says nothing: an arm that loses every race early on would otherwise
 * drift to ever longer times.
 */
const leastWeight = 0.6

/**
 * What a run that was ended after `least` would have taken, and how much of a sample that is. The mean of the logarithm
 * above a bound is μ + σ·φ(z)/(1 − Φ(z)) (iterative least squares for censored data: Schmee and Hahn 1979); it weighs as
 * much as the share of runs, Φ(z), that would have ended by then. Without this an arm that loses races would be learned
 * from its few wins alone, and look faster than it is.
 */
function imputed({ mu, variance }: LogNormal, least: number): { readonly value: number; readonly weight: number } {
  const sd = Math.sqrt(Math.max(1e-4, variance))
  const z = (Math.log(least) - mu) / sd
  const below = normalShareBelow(z)
  const hazard = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI) / Math.max(1e-3, 1 - below)
  return { value: Math.max(least, Math.exp(mu + sd * hazard)), weight: below }
}

function observeEdge({ prompt }: EdgePlace, run: Run, nowMs: number, atLeast: boolean): void {
  const x = lookBackOf(run)
  const rate = readingRate(run)
  if (!atLeast) prompt.observe(rate, x, nowMs)
  else if (rate > 0) {
    const { value, weight } = imputed(prompt.estimate(x, nowMs), rate)
    if (weight > leastWeight) prompt.observe(value, x, nowMs, weight)
  }
}

function observeCloud({ first, tail }: CloudPlace, run: Run, nowMs: number, atLeast: boolean): void {
  const { ms, uncachedTokens: x } = run
  const estimate = first.estimate(x, nowMs)
  const ratio = ms / Math.exp(estimate.mu)
  // Nothing is usual before the first sample.
  const isTail = first.samples > 0 && tail.isTail(ratio)
  if (first.samples > 0) tail.observe(ratio, atLeast)
  const { value, weight } = atLeast ? imputed(estimate, ms) : { value: ms, weight: 1 }
  if (weight > leastWeight) first.observe(value, x, nowMs, isTail ? tailWeight : weight)
}

/** @param options.now milliseconds since the epoch; default `Date.now` */
export function createTextLearner(options: { readonly now?: () => number } = {}): TextLearner {
  const { now = Date.now } = options
  const places: PlaceEstimators = createPlaceEstimators()
  const lengths = new Map<string, LengthHistory>()

  const lengthsOf = (work: string) => {
    const known = lengths.get(work) ?? createLengthHistory()
    lengths.delete(work)
    lengths.set(work, known)
    for (const oldest of lengths.keys()) if (lengths.size > mostWorks) lengths.delete(oldest)
    return known
  }
  const observe = (place: TextPlace, run: Run, atLeast: boolean) => {
    if (!isRun(run) || !(run.ms > 0 && run.ms < Number.POSITIVE_INFINITY)) return
    const nowMs = now()
    if (place.arm === 'edge') observeEdge(places.edge(place), run, nowMs, atLeast)
    else observeCloud(places.cloud(place), run, nowMs, atLeast)
  }

  return {
    observeFirstToken: (place, run) => observe(place, run, false),
    observeFirstTokenAtLeast: (place, run) => observe(place, run, true),
    observeTokens(place, { ms, tokens, contextTokens }) {
      if (!(tokens >= 1 && isTokens(contextTokens) && ms >= 0 && ms < Number.POSITIVE_INFINITY)) return
      const known = places.of(place)
      known.gaps.observe(ms)
      // Arrivals that the link has pushed together say nothing of the rate, each by itself; together they do.
      known.rate.add(ms, tokens, contextTokens, now())
    },
    observeAnswer(work, { tokens, isCut }) {
      lengthsOf(work).observe(tokens, isCut)
    },
    assumeEdge(place, { promptTokenMs, tokenMs }) {
      const { prompt, token } = places.edge(place)
      if (promptTokenMs !== undefined) prompt.assume(promptTokenMs)
      if (tokenMs !== undefined) token.assume(tokenMs)
    },
    assumeCloud(place, { firstTokenMs, tokenMs }) {
      const { first, token } = places.cloud(place)
      if (firstTokenMs !== undefined) first.assume(firstTokenMs)
      if (tokenMs !== undefined) token.assume(tokenMs)
    },
    forecast(place, { promptTokens, cachedTokens = 0, answerTokens = 0, waitMs = 0, preparation }) {
      const nowMs = now()
      const uncachedTokens = Math.max(0, promptTokens - Math.max(0, cachedTokens))
      const context = promptTokens + answerTokens / 2
      if (place.arm === 'cloud') {
        const { first, tail, token } = places.lookAtCloud(place)
        return {
          firstToken: cloudFirstToken(first.estimate(uncachedTokens, nowMs), tail.estimate()),
          token: token.estimate(context, nowMs),
          isMeasured: first.samples > 0,
          usualMs: first.usual(uncachedTokens),
          ageMs: first.ageMs(nowMs),
        }
      }
      const { prompt, token } = places.lookAtEdge(place)
      const lookBack = lookBackOf({ promptTokens, uncachedTokens })
      const perToken = prompt.estimate(lookBack, nowMs)
      return {
        firstToken: edgeFirstToken({ waitMs, uncachedTokens, perToken, preparation }),
        token: token.estimate(context, nowMs),
        isMeasured: prompt.samples > 0,
        usualMs: prompt.usual(lookBack) * (uncachedTokens + stepTokens),
        ageMs: prompt.ageMs(nowMs),
      }
    },
    answerTokens: (work, maxTokens) => (lengths.get(work) ?? createLengthHistory()).estimate(maxTokens),
    gaps(place) {
      const { gaps } = place.arm === 'edge' ? places.lookAtEdge(place) : places.lookAtCloud(place)
      return { p90Ms: gaps.quantile(0.9), p97Ms: gaps.quantile(0.97), count: gaps.count }
    },
    snapshot: () => ({
      version: 1,
      places: places.snapshot(),
      lengths: [...lengths].map(([work, history]) => [work, history.snapshot()] as const),
    }),
    restore(snapshot) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (!parsed.success) return
      places.restore(parsed.output.places, now())
      for (const [work, stored] of parsed.output.lengths) lengthsOf(work).restore(stored)
    },
  }
}
