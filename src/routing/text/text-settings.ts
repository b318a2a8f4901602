/** The text router's defaults, tuned on recordings with `npm run bench -- text-routing`. */
export const textSettings = {
  /** Tokens that races may waste, as a share of the tokens of all requests: what each request adds to the budget. */
  edgeShare: 0.04,
  cloudShare: 0.03,
  /** What a budget holds at the most and at the start, in mean requests: the first ones are raced, as nothing is known. */
  edgeBurst: 2,
  cloudBurst: 1.5,
  /** Price of a mean request's tokens wasted with a full budget, as a share of the expected time; `growth` times that per missing request. */
  edgePrice: 0.02,
  cloudPrice: 0.04,
  growth: 4,
  /** Added to the expected time, so that the price hardly depends on it and tokens go where they save the most time. */
  priceFloorMs: 2_000,
  /** Chance of a run that takes many times as long as any history predicts. An endpoint has its learned tail instead. */
  edgeOutlier: 0.004,
  cloudOutlier: 0,
  /** Extra weight of each millisecond beyond min(p97 edge, p97 cloud): a fixed choice of arm would have been faster. */
  tailWeight: 0.5,
  /** What it costs to ask the same arm once more, and how many times as long the others must be predicted to take. */
  edgeAgainMs: 1_500,
  cloudAgainMs: 250,
  retryFactor: 2,
  /** Milliseconds a token at which people read: eight tokens a second (Andes, arXiv 2404.16283). */
  readingMs: 125,
  /** Tokens after which a writer that is too slow is left (`watch-writing.ts`). */
  movesAfterTokens: 12,
  /** Where an answer may move: what a reader waits later counts this share of a wait for the first token. */
  laterWeight: 0.1,
}
