/** What the router starts from, tuned on recordings with `npm run bench -- routing`. */
export const routerSettings = {
  /** Tokens that a request brings for wasted runs on either arm, and how many are saved up. */
  edgeTokens: 0.15,
  edgeBurst: 5,
  cloudTokens: 0.03,
  cloudBurst: 3,
  /** What a wasted run costs with all tokens there, as a share of the request's expected time; and with each one less. */
  edgePrice: 0.02,
  cloudPrice: 0.04,
  growth: 1.6,
  /** Added to the expected time: nearly the same price everywhere has runs wasted where they save the most. */
  priceFloorMs: 1_000,
  /** The chance that an arm takes many times as long as anything known foretells: links and machines do fail. */
  edgeDisaster: 0.004,
  cloudDisaster: 0.03,
  /**
   * What each millisecond beyond the safer arm's slow side counts more: it is where a fixed choice would have been safe.
   * Less where requests follow each other so closely that this device could not run them all: no fixed choice is, there.
   */
  harm: 4,
  /** What a millisecond counts that later requests wait for a run on this device. */
  delayPrice: 1,
  /** The former arm is kept while the other is not better by this factor. */
  hysteresis: 1.02,
  /** Both arms run to explore when the link was not measured for this long and this many cloud tokens are left. */
  exploreAgeMs: 60_000,
  exploreLevel: 3,
  /** A device that takes this many times as long as it usually does is tried again now and then. */
  slowedBy: 1.4,
  /** The predictions' spread, as the logarithm of a factor on its standard deviation, and how fast it is learned. */
  calibrationStep: 0.1,
  edgeScale: -0.15,
  cloudScale: 0.1,
  /** The link is probed when it was not measured for this long and the cloud may be faster, this many deviations off. */
  probeAgeMs: 3_000,
  probeSd: 1,
}
