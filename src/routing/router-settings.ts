/** What the router starts from, tuned on recordings with `npm run bench -- routing`. */
export const routerSettings = {
  /** Tokens that a request brings for wasted runs on either arm, and how many are kept. */
  edgeTokens: 0.12,
  edgeBurst: 3,
  cloudTokens: 0.05,
  cloudBurst: 2,
  /** What a wasted run costs while the bucket is full, as a share of the request's expected time. */
  edgePrice: 0.05,
  cloudPrice: 0.1,
  /** The former arm is kept while the other is not better by this factor. */
  hysteresis: 1.02,
  /** Exploring draws with this share of the predicted standard deviation, while this many cloud tokens are left. */
  exploreSd: 1,
  exploreLevel: 1.5,
  calibrationStep: 0.1,
  edgeScale: 0,
  cloudScale: 0,
  /** The link is probed when it was not measured for this long and the cloud may be faster at this many deviations. */
  probeAgeMs: 10_000,
  probeSd: 1,
}
