/** The router's defaults, tuned on recordings with `npm run bench -- routing`. */
export const routerSettings = {
  /** Token buckets that limit wasted runs: tokens that each request adds, and the bucket's capacity. */
  edgeTokens: 0.15,
  edgeBurst: 5,
  cloudTokens: 0.03,
  cloudBurst: 3,
  /** Price of a wasted run with a full bucket, as a share of the expected time; `growth` times that per missing token. */
  edgePrice: 0.02,
  cloudPrice: 0.04,
  growth: 1.6,
  /** Added to the expected time, so that the price hardly depends on it and tokens go where they save the most time. */
  priceFloorMs: 1_000,
  /** Chance of an outlier: a run that takes many times as long as any history predicts. Links and machines do fail. */
  edgeOutlier: 0.004,
  cloudOutlier: 0.03,
  /**
   * Extra weight of each millisecond beyond min(p97 edge, p97 cloud): a fixed choice of arm would have been faster.
   * Fades out as this device's load rises, since a device that can't run every request is no safe choice.
   */
  tailWeight: 4,
  /** Weight of a millisecond by which a run at the edge delays later requests. */
  delayPrice: 1,
  /** The model's last arm is kept unless the other one is better by this factor. */
  hysteresis: 1.02,
  /** Explore the cloud when its link was not measured for this long and this many cloud tokens are left. */
  exploreAgeMs: 60_000,
  exploreLevel: 3,
  /** Explore the edge when it takes this many times as long as it usually does. */
  slowedBy: 1.4,
  /** Step of the calibration, and where it starts: logarithm of a factor on the predictions' standard deviation. */
  calibrationStep: 0.1,
  edgeScale: -0.15,
  cloudScale: 0.1,
  /** Probe the link when it was not measured for this long and the cloud may be faster, this many deviations off. */
  probeAgeMs: 3_000,
  probeSd: 1,
}
