import type { Backend } from '../../../contracts/model-state.ts'
import type { LogNormal } from '../../../utils/log-normal.ts'
import type { EdgePreparation } from '../../learning/cost-models.ts'
import type { TextForecast } from '../text-types.ts'

/** A model on one arm: what is learned of, each for itself. `model` is its name and revision. */
export type TextPlace =
  | { readonly arm: 'edge'; readonly model: string; readonly backend: Backend }
  | { readonly arm: 'cloud'; readonly model: string; readonly endpoint: string }

/** How tokens arrive at an arm: silences between two arrivals, in milliseconds. */
export interface UsualGaps {
  readonly p90Ms: number
  readonly p97Ms: number
  /** Arrivals that this rests on. */
  readonly count: number
}

/** Learned speeds of writing text, on this device and at each endpoint. Anything but positive finite times is ignored. */
export interface TextLearner {
  /**
   * A first token came, `ms` after the run's start, the wait for the worker (`waitMs`) among it.
   *
   * @param run.uncachedTokens of the prompt: those that were read. An endpoint that does not say is taken to read all
   * @param run.promptTokens all of the prompt
   */
  observeFirstToken(
    place: TextPlace,
    run: {
      readonly ms: number
      readonly promptTokens: number
      readonly uncachedTokens: number
      readonly waitMs?: number | undefined
    },
  ): void
  /** The same of a run that was ended before its first token came (a censored sample): it would have taken longer. */
  observeFirstTokenAtLeast(
    place: TextPlace,
    run: {
      readonly ms: number
      readonly promptTokens: number
      readonly uncachedTokens: number
      readonly waitMs?: number | undefined
    },
  ): void
  /**
   * Tokens came `ms` after the arrival before them: of an answer, all but the first arrival.
   *
   * @param arrival.tokens how many came together, by `usage` or ids where the server says it
   * @param arrival.contextTokens tokens of prompt and answer before them
   */
  observeTokens(
    place: TextPlace,
    arrival: { readonly ms: number; readonly tokens: number; readonly contextTokens: number },
  ): void
  /**
   * An answer has ended.
   *
   * @param work the task's or the model's name: lengths are alike within it
   * @param answer.isCut it had more to say: `maxTokens`, an abort, a failure (a censored sample)
   */
  observeAnswer(work: string, answer: { readonly tokens: number; readonly isCut: boolean }): void
  /** What is taken of the device until a run is measured: a warm-up's times, per token read and per token written. */
  assumeEdge(
    place: TextPlace & { readonly arm: 'edge' },
    said: { readonly promptTokenMs?: number | undefined; readonly tokenMs?: number | undefined },
  ): void
  /** What is taken of an endpoint until a run is measured: its own figures, or the link's round trip. */
  assumeCloud(
    place: TextPlace & { readonly arm: 'cloud' },
    said: { readonly firstTokenMs?: number | undefined; readonly tokenMs?: number | undefined },
  ): void
  /** How an answer would be written there, if it began now. */
  forecast(
    place: TextPlace,
    request: {
      readonly promptTokens: number
      /** Of the prompt: known from earlier turns. Default 0. */
      readonly cachedTokens?: number | undefined
      /** Tokens that the answer is expected to have: later tokens are slower on a device. Default 0. */
      readonly answerTokens?: number | undefined
      /** The edge's queue, in milliseconds. Default 0. */
      readonly waitMs?: number | undefined
      /** Set while the model is not ready on this device. */
      readonly preparation?: (EdgePreparation & { readonly downlink: LogNormal }) | undefined
    },
  ): TextForecast
  /** Tokens that an answer is expected to have: the mean, median and 90th percentile of its history, capped by the maximum. */
  answerTokens(
    work: string,
    maxTokens: number,
  ): { readonly mean: number; readonly median: number; readonly p90: number }
  gaps(place: TextPlace): UsualGaps
  /** The estimates as plain JSON, to be stored. */
  snapshot(): unknown
  /** Continues from a stored snapshot, less certain for its age. Invalid entries are ignored. */
  restore(snapshot: unknown): void
}
